"""The one place that talks to Stripe: charges, questions about them, refunds, and the signature of its call-backs."""

from dataclasses import dataclass, field
from typing import Any, Literal

import stripe
import structlog

from checkout.settings import Settings

log = structlog.get_logger()
TIMEOUT_SECONDS = 20

Status = Literal["succeeded", "declined", "requires_action", "open"]


class ProcessorUnavailable(Exception):
    """Stripe could not be asked, or did not answer: what became of the charge is not known."""


@dataclass(frozen=True)
class Outcome:
    """What Stripe says of a payment. `open` means that it is still deciding."""

    status: Status
    processor_id: str | None = None
    decline_code: str | None = None
    message: str | None = None
    client_secret: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Charge:
    """What is charged. `amount` is in integer minor units; `key` names the attempt."""

    key: str
    amount: int
    currency: str
    token: str
    metadata: dict[str, str]
    customer: str | None
    """Stripe's customer, where the card is kept for renewals."""


def is_test_method(token: str) -> bool:
    """Whether a token is the name of one of Stripe's test payment methods."""
    return token.startswith("pm_card_")


class StripeProcessor:
    """Stripe, or the stand-in at `STRIPE_API_BASE`."""

    def __init__(self, settings: Settings) -> None:
        self._http = stripe.HTTPXClient(timeout=TIMEOUT_SECONDS)
        addresses: Any = {"api": settings.stripe_api_base} if settings.stripe_api_base else {}
        self._client = stripe.StripeClient(
            settings.stripe_secret_key,
            base_addresses=addresses,
            http_client=self._http,
            max_network_retries=2,
        )
        self._webhook_secret = settings.stripe_webhook_secret

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def create_customer(self, key: str, email: str, name: str | None, metadata: dict[str, str]) -> str:
        """Creates Stripe's customer and returns its id. Raises `ProcessorUnavailable`."""
        details: Any = {"email": email, "metadata": metadata, **({"name": name} if name else {})}
        try:
            customer = await self._client.v1.customers.create_async(details, {"idempotency_key": key})
        except stripe.StripeError as error:
            raise self._unavailable(error) from error
        return str(customer.id)

    async def charge(self, charge: Charge) -> Outcome:
        """Creates and confirms a PaymentIntent. The same `key` gives the same intent, whenever it is sent again.

        Raises `ProcessorUnavailable` when it is not known what became of it.
        """
        method = "confirmation_token" if charge.token.startswith("ctoken_") else "payment_method"
        wish: Any = {
            "amount": charge.amount,
            "currency": charge.currency,
            method: charge.token,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": charge.metadata,
            "expand": ["latest_charge"],
        }
        if charge.customer is not None:
            wish |= {"customer": charge.customer, "setup_future_usage": "off_session"}
        try:
            intent = await self._client.v1.payment_intents.create_async(wish, {"idempotency_key": charge.key})
        except stripe.CardError as error:
            return _declined(error)
        except stripe.InvalidRequestError as error:
            log.warning("stripe.refused", code=error.code, param=error.param, request=error.request_id)
            return Outcome("declined", None, error.code or "invalid_request", "the payment details were not accepted")
        except stripe.StripeError as error:
            raise self._unavailable(error) from error
        return outcome_of(intent.to_dict())

    async def retrieve(self, processor_id: str) -> Outcome:
        """Asks about a PaymentIntent. Raises `ProcessorUnavailable`."""
        try:
            intent = await self._client.v1.payment_intents.retrieve_async(processor_id, {"expand": ["latest_charge"]})
        except stripe.StripeError as error:
            raise self._unavailable(error) from error
        return outcome_of(intent.to_dict())

    async def refund(self, processor_id: str, key: str) -> None:
        """Pays a whole PaymentIntent back; one that was paid back already is left. Raises `ProcessorUnavailable`."""
        wish: Any = {"payment_intent": processor_id, "reason": "duplicate"}
        try:
            await self._client.v1.refunds.create_async(wish, {"idempotency_key": key})
        except stripe.InvalidRequestError as error:
            if error.code != "charge_already_refunded":
                raise self._unavailable(error) from error
        except stripe.StripeError as error:
            raise self._unavailable(error) from error

    def event(self, body: bytes, signature: str) -> Any:
        """A call-back whose signature is right, as a dictionary. Raises `ValueError` otherwise."""
        try:
            return self._client.construct_event(body, signature, self._webhook_secret).to_dict()
        except stripe.SignatureVerificationError as error:
            raise ValueError("the signature is not Stripe's") from error

    def _unavailable(self, error: stripe.StripeError) -> ProcessorUnavailable:
        log.warning("stripe.unavailable", kind=type(error).__name__, code=error.code, request=error.request_id)
        return ProcessorUnavailable(type(error).__name__)


def _declined(error: stripe.CardError) -> Outcome:
    details = error.error.to_dict() if error.error is not None else {}
    return Outcome(
        "declined",
        (details.get("payment_intent") or {}).get("id"),
        details.get("decline_code") or error.code or "card_declined",
        error.user_message or "Your card was declined.",
    )


def outcome_of(intent: dict[str, Any]) -> Outcome:
    """What a PaymentIntent says, as it came in an answer or in a call-back (both as dictionaries)."""
    last_error: Any = intent.get("last_payment_error") or {}
    facts = _facts(intent)
    match intent["status"]:
        case "succeeded":
            return Outcome("succeeded", intent["id"], facts=facts)
        case "requires_action":
            return Outcome("requires_action", intent["id"], client_secret=intent.get("client_secret"), facts=facts)
        case "requires_payment_method" | "canceled":
            code = last_error.get("decline_code") or last_error.get("code") or intent["status"]
            return Outcome("declined", intent["id"], code, last_error.get("message") or "The payment failed.")
        case _:
            return Outcome("open", intent["id"])


def _facts(intent: dict[str, Any]) -> dict[str, Any]:
    """Brand and last digits come with the charge, which is an object only where it was asked for."""
    charge: Any = intent.get("latest_charge")
    details: Any = charge.get("payment_method_details") if isinstance(charge, dict) else None
    facts: dict[str, Any] = {"method": "card", "method_metadata": {}}
    if details:
        facts["method"] = details.get("type", "card")
        card: Any = details.get("card") or {}
        facts["method_metadata"] = {name: card.get(name) for name in ("brand", "last4") if card.get(name)}
    for name in ("customer", "payment_method"):
        value: Any = intent.get(name)
        if value is not None:
            facts[name] = value if isinstance(value, str) else value.get("id")
    return facts
