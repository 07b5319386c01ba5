"""Payment intents and the charges that they make."""

from typing import Any

from localstripe import resources as local
from localstripe.errors import UserError

from stripe_sandbox import confirmation_tokens, disputes, payment_methods, radar
from stripe_sandbox.balance import fee_of_charge, movement
from stripe_sandbox.cards import MESSAGES, of_number
from stripe_sandbox.errors import StripeError, missing, unexpected_state
from stripe_sandbox.events import Sandbox
from stripe_sandbox.parameters import amount_and_currency, check_amount, flag, integer, known, metadata, page, text

_OF_CONFIRM = (
    "payment_method", "confirmation_token", "off_session", "return_url", "setup_future_usage", "receipt_email",
    "error_on_requires_action", "use_stripe_sdk", "payment_method_options", "payment_method_types", "shipping",
    "mandate_data", "payment_method_data", "client_secret",
)  # fmt: skip
_OF_UPDATE = (
    "amount", "currency", "customer", "description", "metadata", "payment_method", "receipt_email",
    "setup_future_usage", "statement_descriptor", "statement_descriptor_suffix", "shipping", "payment_method_types",
    "payment_method_options", "transfer_group",
)  # fmt: skip
_OF_CREATE = (*_OF_UPDATE, *_OF_CONFIRM, "confirm", "capture_method", "automatic_payment_methods")
_UNCONFIRMED = ("requires_payment_method", "requires_confirmation", "requires_action")
REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def create(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """A payment intent, confirmed at once with `confirm`. Raises a 402 when the card declines."""
    known(data, _OF_CREATE)
    amount, currency = amount_and_currency(data)
    confirm_now = flag(data, "confirm")
    if not confirm_now and (flag(data, "off_session") or "confirmation_token" in data):
        raise StripeError(400, "This needs confirm=true.", param="confirm")
    if "payment_method" in data and "confirmation_token" in data:
        raise StripeError(400, "Either payment_method or confirmation_token.", param="confirmation_token")
    automatic = data.get("automatic_payment_methods")
    if automatic is not None and "payment_method_types" in data:
        raise StripeError(
            400, "Either automatic_payment_methods or payment_method_types.", param="payment_method_types"
        )
    intent = sandbox.store.new(
        "payment_intent",
        "pi",
        {
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "automatic_payment_methods": {
                "enabled": flag(automatic, "enabled"),
                "allow_redirects": text(automatic, "allow_redirects", ("always", "never")) or "always",
            }
            if isinstance(automatic, dict)
            else None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": text(data, "capture_method", ("automatic", "automatic_async", "manual"))
            or "automatic_async",
            "client_secret": None,
            "confirmation_method": "automatic",
            "currency": currency,
            "customer": _customer(data),
            "description": text(data, "description"),
            "last_payment_error": None,
            "latest_charge": None,
            "metadata": metadata(data),
            "next_action": None,
            "payment_method": None,
            "payment_method_types": data.get("payment_method_types") or ["card"],
            "receipt_email": text(data, "receipt_email"),
            "setup_future_usage": text(data, "setup_future_usage", ("off_session", "on_session")),
            "shipping": data.get("shipping"),
            "statement_descriptor": text(data, "statement_descriptor"),
            "statement_descriptor_suffix": text(data, "statement_descriptor_suffix"),
            "status": "requires_payment_method",
            "transfer_group": text(data, "transfer_group"),
        },
    )
    intent["client_secret"] = f"{intent['id']}_secret_{local.random_id(24)}"
    sandbox.store.save(intent)
    sandbox.events.record("payment_intent.created", intent)
    if text(data, "payment_method"):
        _take_method(intent, data["payment_method"])
    if confirm_now:
        return _confirm(sandbox, intent, data)
    sandbox.store.save(intent)
    return intent


def find(sandbox: Sandbox, id: str, param: str = "id") -> dict[str, Any]:
    """Raises when there is none."""
    intent = sandbox.store.find("payment_intent", id)
    if intent is None:
        raise missing("payment_intent", id, param)
    return intent


def list_intents(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """The latest first; `customer` and `created` filter."""
    known(data, ("customer", "created", "limit", "starting_after", "ending_before"))
    intents = sandbox.store.all("payment_intent")
    if "customer" in data:
        intents = [intent for intent in intents if intent["customer"] == data["customer"]]
    for name, value in (data.get("created") or {}).items():
        limit = int(value)
        intents = [
            intent
            for intent in intents
            if {
                "gt": intent["created"] > limit,
                "gte": intent["created"] >= limit,
                "lt": intent["created"] < limit,
                "lte": intent["created"] <= limit,
            }[name]
        ]
    return page(intents, data, "/v1/payment_intents")


def update(sandbox: Sandbox, id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Changes what is not yet paid; description and metadata always."""
    known(data, _OF_UPDATE)
    intent = find(sandbox, id)
    fixed = set(data) - {"description", "metadata", "receipt_email", "shipping"}
    if fixed and intent["status"] not in _UNCONFIRMED:
        raise unexpected_state(f"A PaymentIntent with status {intent['status']} cannot be changed so.", intent)
    if "amount" in data:
        intent["amount"] = integer(data, "amount")
        check_amount(intent["amount"], intent["currency"])
    if "customer" in data:
        intent["customer"] = _customer(data)
    for name in ("description", "receipt_email", "setup_future_usage", "statement_descriptor"):
        if name in data:
            intent[name] = text(data, name)
    intent["metadata"] = metadata(data, intent["metadata"])
    if text(data, "payment_method"):
        _take_method(intent, data["payment_method"])
    sandbox.store.save(intent)
    return intent


def confirm(sandbox: Sandbox, id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Confirms an intent, from the server or from a browser with its secret. Raises a 402 when the card declines."""
    known(data, _OF_CONFIRM)
    intent = find(sandbox, id)
    if "client_secret" in data and data["client_secret"] != intent["client_secret"]:
        raise StripeError(401, "Invalid client_secret", param="client_secret")
    if intent["status"] not in _UNCONFIRMED:
        raise unexpected_state(
            f"This PaymentIntent's status is {intent['status']}: it cannot be confirmed (again).", intent
        )
    if "payment_method_data" in data:
        method = payment_methods.of_data(data["payment_method_data"], "payment_method_data")
        _take_method(intent, method.id)
    elif text(data, "payment_method"):
        _take_method(intent, data["payment_method"])
    return _confirm(sandbox, intent, data)


def authenticate(sandbox: Sandbox, id: str, data: dict[str, Any]) -> dict[str, Any]:
    """What the holder says to their bank (localstripe's path of Stripe.js): `success` true or false."""
    known(data, ("client_secret", "success"))
    intent = find(sandbox, id)
    if data.get("client_secret") != intent["client_secret"]:
        raise StripeError(401, "Invalid client_secret", param="client_secret")
    if intent["status"] != "requires_action":
        raise unexpected_state("This PaymentIntent does not wait for its customer.", intent)
    intent["next_action"] = None
    if flag(data, "success"):
        return _charge(sandbox, intent)
    intent["last_payment_error"] = {
        "type": "card_error",
        "code": "payment_intent_authentication_failure",
        "message": "We are unable to authenticate your payment method.",
        "payment_method": _method(intent)._export(),
    }
    intent["payment_method"] = None
    intent["status"] = "requires_payment_method"
    sandbox.store.save(intent)
    sandbox.events.record("payment_intent.payment_failed", intent)
    return intent


def cancel(sandbox: Sandbox, id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Cancels what is not paid."""
    known(data, ("cancellation_reason",))
    intent = find(sandbox, id)
    if intent["status"] not in (*_UNCONFIRMED, "requires_capture"):
        raise unexpected_state(f"A PaymentIntent with status {intent['status']} cannot be canceled.", intent)
    intent |= {
        "status": "canceled",
        "cancellation_reason": text(data, "cancellation_reason", REASONS),
        "canceled_at": intent["created"],
        "next_action": None,
        "amount_capturable": 0,
    }
    sandbox.store.save(intent)
    sandbox.events.record("payment_intent.canceled", intent)
    return intent


def capture(sandbox: Sandbox, id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Takes the money that a manual capture had reserved, or less of it."""
    known(data, ("amount_to_capture",))
    intent = find(sandbox, id)
    if intent["status"] != "requires_capture":
        raise unexpected_state(f"A PaymentIntent with status {intent['status']} cannot be captured.", intent)
    amount = integer(data, "amount_to_capture") if "amount_to_capture" in data else intent["amount"]
    if not 1 <= amount <= intent["amount_capturable"]:
        raise StripeError(400, "More than was authorized", code="amount_too_large", param="amount_to_capture")
    charge = sandbox.store.find("charge", intent["latest_charge"]) or {}
    charge |= {"captured": True, "amount_captured": amount}
    sandbox.store.save(charge)
    return _paid(sandbox, intent, amount)


def _customer(data: dict[str, Any]) -> str | None:
    id = text(data, "customer")
    if id is not None:
        try:
            local.Customer._api_retrieve(id)
        except UserError:
            raise missing("customer", id, "customer") from None
    return id


def _take_method(intent: dict[str, Any], id: str) -> None:
    method = payment_methods.find(id, "payment_method")
    if method.customer is not None and method.customer != intent["customer"]:
        raise StripeError(400, "The provided PaymentMethod is attached to another customer.", param="payment_method")
    if method.customer is None and getattr(method, "_is_used", False):
        raise StripeError(
            400,
            "The provided PaymentMethod was previously used without being attached to a Customer "
            "and may not be used again.",
            param="payment_method",
        )
    intent["payment_method"] = method.id
    intent["status"] = "requires_confirmation"


def _method(intent: dict[str, Any]) -> Any:
    return payment_methods.find(intent["payment_method"], "payment_method")


def _confirm(sandbox: Sandbox, intent: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    intent["setup_future_usage"] = (
        text(data, "setup_future_usage", ("off_session", "on_session")) or intent["setup_future_usage"]
    )
    if text(data, "confirmation_token"):
        _take_method(intent, confirmation_tokens.use(sandbox, data["confirmation_token"], intent))
    if intent["payment_method"] is None:
        raise StripeError(
            400,
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
    intent["last_payment_error"] = None
    if not payment_methods.card_of(_method(intent)).authenticates:
        return _charge(sandbox, intent)
    if flag(data, "off_session") or flag(data, "error_on_requires_action"):
        return _failed(sandbox, intent, "authentication_required", "authentication_required")
    intent["status"] = "requires_action"
    intent["next_action"] = {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": ""},
    }
    sandbox.store.save(intent)
    sandbox.events.record("payment_intent.requires_action", intent)
    return intent


def _charge(sandbox: Sandbox, intent: dict[str, Any]) -> dict[str, Any]:
    decline = payment_methods.card_of(_method(intent)).decline
    if sandbox.faults.decline:
        decline = "card_declined", sandbox.faults.decline
    if decline is not None:
        return _failed(sandbox, intent, *decline)
    is_manual = intent["capture_method"] == "manual"
    method = _method(intent)
    method._is_used = True
    if intent["customer"] is not None and intent["setup_future_usage"] is not None:
        method.customer = intent["customer"]
    charge = _new_charge(sandbox, intent, method, captured=not is_manual)
    intent["latest_charge"] = charge["id"]
    if not is_manual:
        return _paid(sandbox, intent, intent["amount"])
    intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
    sandbox.store.save(intent)
    sandbox.events.record("payment_intent.amount_capturable_updated", intent)
    return intent


def _paid(sandbox: Sandbox, intent: dict[str, Any], amount: int) -> dict[str, Any]:
    intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0, "next_action": None}
    sandbox.store.save(intent)
    charge = sandbox.store.find("charge", intent["latest_charge"]) or {}
    charge["balance_transaction"] = movement(sandbox, "charge", charge, amount, fee_of_charge(amount))["id"]
    sandbox.store.save(charge)
    sandbox.events.record("charge.succeeded", charge)
    sandbox.events.record("payment_intent.succeeded", intent)
    reason = of_number(charge["_card_number"]).disputes
    if reason is not None:
        is_inquiry = reason == "inquiry"
        disputes.open_on(sandbox, charge, "fraudulent" if is_inquiry else reason, is_inquiry=is_inquiry)
    return intent


def _new_charge(
    sandbox: Sandbox, intent: dict[str, Any], method: Any, *, captured: bool, failure: dict[str, Any] | None = None
) -> dict[str, Any]:
    card = {name: method.card[name] for name in ("brand", "country", "exp_month", "exp_year", "funding", "last4")}
    return sandbox.store.new(
        "charge",
        "ch",
        {
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if captured else 0,
            "amount_refunded": 0,
            "balance_transaction": None,
            "billing_details": method.billing_details,
            "captured": captured,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_code": failure["code"] if failure else None,
            "failure_message": failure["message"] if failure else None,
            "metadata": intent["metadata"],
            "outcome": radar.outcome_of(payment_methods.card_of(method), failure),
            "paid": failure is None,
            "payment_intent": intent["id"],
            "payment_method": method.id,
            "payment_method_details": {"type": "card", "card": card},
            "refunded": False,
            "status": "failed" if failure else "succeeded",
            "_card_number": method._card_number,
        },
    )


def _failed(sandbox: Sandbox, intent: dict[str, Any], code: str, decline_code: str | None) -> dict[str, Any]:
    """Writes the decline down and raises it: the transaction is kept for a 402."""
    message = MESSAGES.get(decline_code or "") or MESSAGES[code]
    method = _method(intent)
    failure: dict[str, Any] = {"type": "card_error", "code": code, "message": message}
    if decline_code is not None:
        failure["decline_code"] = decline_code
    charge = _new_charge(sandbox, intent, method, captured=False, failure=failure)
    failure |= {"charge": charge["id"], "payment_method": method._export()}
    intent |= {
        "latest_charge": charge["id"],
        "last_payment_error": failure,
        "payment_method": None,
        "status": "requires_payment_method",
        "next_action": None,
    }
    sandbox.store.save(intent)
    sandbox.events.record("charge.failed", charge)
    sandbox.events.record("payment_intent.payment_failed", intent)
    fields = {name: value for name, value in failure.items() if name not in {"type", "message"}}
    raise StripeError(402, message, type="card_error", payment_intent=intent, **fields)
