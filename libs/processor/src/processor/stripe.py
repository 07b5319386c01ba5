"""The one place that talks to Stripe: charges, cards that are kept, refunds, disputes, and signatures of call-backs.

Every call that moves money carries an idempotency key made by the caller: sent again, it has the same result. No call
is made inside a database transaction.
"""

import json
from collections.abc import Awaitable
from typing import Any, TypeVar

import aiohttp
import stripe
import structlog

from processor.outcomes import (
    DisputeState,
    Method,
    Outcome,
    RefundOutcome,
    SetupOutcome,
    declined_card,
    dispute_of,
    method_of,
    outcome_of,
    refund_of,
    setup_of,
)
from processor.settings import StripeSettings
from processor.transport import Transport
from processor.wishes import Charge, Refund, SavedCharge, Setup

log = structlog.get_logger()
TIMEOUT_SECONDS = 20
_EXPANDED = ["latest_charge", "latest_charge.balance_transaction"]
Answer = TypeVar("Answer")


class ProcessorUnavailable(Exception):
    """Stripe could not be asked, or did not answer: what became of the wish is not known."""


class ProcessorRefused(Exception):
    """Stripe does not do what was wished; `code` says why in its words. Repeating it does not help."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


def is_test_method(token: str) -> bool:
    """Whether a token is the name of one of Stripe's test payment methods."""
    return token.startswith("pm_card_")


def refusal_of(token: str, *, is_test_mode: bool) -> str | None:
    """Why a buyer may not pay with a token; None when they may.

    A confirmation token is made by the browser in which the card was typed, and is used once. A payment method's id
    proves nothing: whoever learns it could charge another customer's card. In test mode Stripe's own test payment
    methods have names, behind which there is no card.
    """
    if is_test_method(token):
        return None if is_test_mode else "Test payment methods need a test key"
    return None if _kind_of(token) == "confirmation_token" else "Should be a confirmation token: ctoken_…"


def event_of(body: bytes, signature: str, secret: str) -> Any:
    """A call-back whose signature is right and that is an event, as a dictionary. Raises `ValueError` otherwise."""
    try:
        stripe.WebhookSignature.verify_header(body.decode(), signature, secret, stripe.Webhook.DEFAULT_TOLERANCE)
    except stripe.SignatureVerificationError as error:
        raise ValueError("the signature is not Stripe's") from error
    event = json.loads(body)
    if not _has(event, id=str, type=str, created=int, data=dict) or not _has(event["data"], object=dict):
        raise ValueError("the body is no event")
    return event


def _has(value: Any, **fields: type) -> bool:
    """Whether a value is an object with these fields, each of its type."""
    return isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in fields.items())


class StripeProcessor:
    """Stripe, or the stand-in at `STRIPE_API_BASE`."""

    def __init__(self, settings: StripeSettings) -> None:
        self._http = Transport(aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))
        addresses: Any = {"api": settings.stripe_api_base} if settings.stripe_api_base else {}
        client = stripe.StripeClient(
            settings.stripe_secret_key,
            base_addresses=addresses,
            http_client=self._http,
            max_network_retries=2,
        )
        self._api = client.v1

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def create_customer(self, key: str, email: str, name: str | None, metadata: dict[str, str]) -> str:
        """Creates Stripe's customer and returns its id. Raises `ProcessorUnavailable`."""
        details: Any = {"email": email, "metadata": metadata, **({"name": name} if name else {})}
        customer = await _asked(self._api.customers.create_async(details, {"idempotency_key": key}))
        return str(customer.id)

    async def charge(self, charge: Charge) -> Outcome:
        """Charges a buyer who is present. The same `key` gives the same intent, whenever it is sent again.

        Raises `ProcessorUnavailable` when it is not known what became of it.
        """
        wish: Any = {
            "amount": charge.amount,
            "currency": charge.currency,
            _kind_of(charge.token): charge.token,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": charge.metadata,
            "expand": _EXPANDED,
        }
        if charge.customer is not None:
            wish |= {"customer": charge.customer, "setup_future_usage": "off_session"}
        return await self._charged(wish, charge.key)

    async def charge_saved(self, charge: SavedCharge) -> Outcome:
        """Charges a saved payment method. Raises `ProcessorUnavailable` when it is not known what became of it."""
        wish: Any = {
            "amount": charge.amount,
            "currency": charge.currency,
            "customer": charge.customer,
            "payment_method": charge.payment_method,
            "confirm": True,
            "metadata": charge.metadata,
            "expand": _EXPANDED,
        }
        if charge.is_present:
            wish["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
        else:
            wish["off_session"] = True
        return await self._charged(wish, charge.key)

    async def _charged(self, wish: Any, key: str) -> Outcome:
        try:
            intent = await self._api.payment_intents.create_async(wish, {"idempotency_key": key})
        except stripe.CardError as error:
            return _declined(error)
        except stripe.InvalidRequestError as error:
            log.warning("stripe.refused", code=error.code, param=error.param, request=error.request_id)
            return Outcome("declined", None, error.code or "invalid_request", "the payment details were not accepted")
        except stripe.StripeError as error:
            raise _unavailable(error) from error
        return outcome_of(intent.to_dict())

    async def retrieve(self, processor_id: str) -> Outcome:
        """Asks about a PaymentIntent. Raises `ProcessorUnavailable`, or `ProcessorRefused` when there is none."""
        wish: Any = {"expand": _EXPANDED}
        return outcome_of((await _asked(self._api.payment_intents.retrieve_async(processor_id, wish))).to_dict())

    async def cancel(self, processor_id: str) -> Outcome:
        """Cancels a PaymentIntent that is not paid, so that nobody can pay it any more. May be repeated.

        Returns what became of it: `declined` when it is canceled, `succeeded` when it was paid before, `open` while
        Stripe still decides. Raises `ProcessorUnavailable`, or `ProcessorRefused` when there is none.
        """
        try:
            return outcome_of((await _asked(self._api.payment_intents.cancel_async(processor_id))).to_dict())
        except ProcessorRefused:
            return await self.retrieve(processor_id)

    async def cancel_setup(self, processor_id: str) -> SetupOutcome:
        """`cancel` for a SetupIntent."""
        try:
            return setup_of((await _asked(self._api.setup_intents.cancel_async(processor_id))).to_dict())
        except ProcessorRefused:
            return await self.retrieve_setup(processor_id)

    async def find_payment(self, customer: str, payment_id: str) -> Outcome | None:
        """Looks for the intent of one of our payments among those of Stripe's customer, by its metadata.

        For a payment so old that Stripe has forgotten its key (24 hours). Raises `ProcessorUnavailable`.
        """
        wish: Any = {"customer": customer, "limit": 100}
        listed = await _asked(self._api.payment_intents.list_async(wish))
        async for intent in listed.auto_paging_iter():
            metadata: Any = intent.to_dict().get("metadata") or {}
            if metadata.get("payment_id") == payment_id:
                return await self.retrieve(intent.id)
        return None

    async def refund(self, refund: Refund) -> RefundOutcome | None:
        """Pays back. None when all of it was paid back before.

        Raises `ProcessorUnavailable`, or `ProcessorRefused` for more than is left, or what cannot be given back.
        """
        wish: Any = {"payment_intent": refund.processor_id, "reason": refund.reason, "metadata": refund.metadata}
        if refund.amount is not None:
            wish["amount"] = refund.amount
        try:
            made = await _asked(self._api.refunds.create_async(wish, {"idempotency_key": refund.key}))
        except ProcessorRefused as error:
            if error.code == "charge_already_refunded":
                return None
            raise
        return refund_of(made.to_dict())

    async def find_refund(self, processor_id: str, refund_id: str) -> RefundOutcome | None:
        """Looks for one of our refunds among those of a payment, by its metadata: keys are forgotten (24 hours).

        Raises `ProcessorUnavailable` or `ProcessorRefused`.
        """
        listed = await _asked(self._api.refunds.list_async({"payment_intent": processor_id, "limit": 100}))
        async for refund in listed.auto_paging_iter():
            found = refund_of(refund.to_dict())
            if found.metadata.get("refund_id") == refund_id:
                return found
        return None

    async def refunds_of(self, processor_id: str) -> list[RefundOutcome]:
        """All refunds of a payment, the latest first. Raises `ProcessorUnavailable` or `ProcessorRefused`."""
        listed = await _asked(self._api.refunds.list_async({"payment_intent": processor_id, "limit": 100}))
        return [refund_of(refund.to_dict()) async for refund in listed.auto_paging_iter()]

    async def retrieve_refund(self, processor_id: str) -> RefundOutcome:
        """Asks about a refund. Raises `ProcessorUnavailable` or `ProcessorRefused`."""
        return refund_of((await _asked(self._api.refunds.retrieve_async(processor_id))).to_dict())

    async def set_up(self, setup: Setup) -> SetupOutcome:
        """Keeps a card for later charges. Raises `ProcessorUnavailable`."""
        wish: Any = {
            "customer": setup.customer,
            "usage": "off_session",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": setup.metadata,
        }
        if setup.token is not None:
            wish |= {_kind_of(setup.token): setup.token, "confirm": True}
            if setup.return_url is not None:
                wish["return_url"] = setup.return_url
        try:
            intent = await self._api.setup_intents.create_async(wish, {"idempotency_key": setup.key})
        except stripe.CardError as error:
            details = _details(error)
            intent_id = (details.get("setup_intent") or {}).get("id")
            code = details.get("decline_code") or error.code or "card_declined"
            tried = declined_card(details, (details.get("setup_intent") or {}).get("latest_attempt"))
            return SetupOutcome("declined", intent_id, decline_code=code, message=error.user_message, tried=tried)
        except stripe.InvalidRequestError as error:
            log.warning("stripe.refused", code=error.code, param=error.param, request=error.request_id)
            return SetupOutcome("declined", decline_code=error.code or "invalid_request", message="not accepted")
        except stripe.StripeError as error:
            raise _unavailable(error) from error
        return setup_of(intent.to_dict())

    async def retrieve_setup(self, processor_id: str) -> SetupOutcome:
        """Asks about a SetupIntent. Raises `ProcessorUnavailable` or `ProcessorRefused`."""
        return setup_of((await _asked(self._api.setup_intents.retrieve_async(processor_id))).to_dict())

    async def retrieve_method(self, processor_id: str) -> Method:
        """Asks about a payment method. Raises `ProcessorUnavailable`, or `ProcessorRefused` when there is none."""
        return method_of((await _asked(self._api.payment_methods.retrieve_async(processor_id))).to_dict())

    async def fingerprint_of(self, token: str) -> str | None:
        """Which card a confirmation token is for, before it is charged; None for what is no card.

        Raises `ProcessorUnavailable`, or `ProcessorRefused` when there is no such token.
        """
        found = await _asked(self._api.confirmation_tokens.retrieve_async(token))
        preview: Any = found.to_dict().get("payment_method_preview") or {}
        fingerprint = (preview.get("card") or {}).get("fingerprint")
        return str(fingerprint) if fingerprint else None

    async def detach_method(self, processor_id: str) -> None:
        """Forgets a payment method; one that is forgotten already stays so. Raises `ProcessorUnavailable`."""
        try:
            await _asked(self._api.payment_methods.detach_async(processor_id))
        except ProcessorRefused as error:
            log.info("stripe.detached_before", code=error.code)

    async def retrieve_dispute(self, processor_id: str) -> DisputeState:
        """Asks about a dispute. Raises `ProcessorUnavailable` or `ProcessorRefused`."""
        return dispute_of((await _asked(self._api.disputes.retrieve_async(processor_id))).to_dict())

    async def accept_dispute(self, processor_id: str, key: str) -> DisputeState:
        """Gives a dispute up. Raises `ProcessorUnavailable` or `ProcessorRefused`."""
        closed = await _asked(self._api.disputes.close_async(processor_id, {}, {"idempotency_key": key}))
        return dispute_of(closed.to_dict())


async def _asked(question: Awaitable[Answer]) -> Answer:
    try:
        return await question
    except stripe.InvalidRequestError as error:
        log.warning("stripe.refused", code=error.code, param=error.param, request=error.request_id)
        raise ProcessorRefused(str(error.user_message or error), error.code) from error
    except stripe.StripeError as error:
        raise _unavailable(error) from error


def _kind_of(token: str) -> str:
    return "confirmation_token" if token.startswith("ctoken_") else "payment_method"


def _unavailable(error: stripe.StripeError) -> ProcessorUnavailable:
    log.warning("stripe.unavailable", kind=type(error).__name__, code=error.code, request=error.request_id)
    return ProcessorUnavailable(type(error).__name__)


def _details(error: stripe.CardError) -> dict[str, Any]:
    return error.error.to_dict() if error.error is not None else {}


def _declined(error: stripe.CardError) -> Outcome:
    details = _details(error)
    return Outcome(
        "declined",
        (details.get("payment_intent") or {}).get("id"),
        details.get("decline_code") or error.code or "card_declined",
        error.user_message or "Your card was declined.",
        tried=declined_card(details, details.get("charge")),
    )
