"""Setup intents: cards that are kept for a customer without a charge."""

from typing import Any

from localstripe import resources as local

from stripe_sandbox import confirmation_tokens, payment_methods
from stripe_sandbox.cards import MESSAGES
from stripe_sandbox.errors import StripeError, missing
from stripe_sandbox.events import Sandbox
from stripe_sandbox.parameters import flag, known, metadata, page, text

_OF_CONFIRM = (
    "payment_method", "payment_method_data", "confirmation_token", "return_url", "use_stripe_sdk", "client_secret",
    "payment_method_options",
)  # fmt: skip
_OF_CREATE = (
    *_OF_CONFIRM, "confirm", "customer", "usage", "metadata", "automatic_payment_methods", "payment_method_types",
    "description",
)  # fmt: skip
_UNCONFIRMED = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """A setup intent, confirmed at once with `confirm`. Raises a 402 when the card declines."""
    known(data, _OF_CREATE)
    customer = text(data, "customer")
    if customer is not None:
        local.Customer._api_retrieve(customer)
    if "confirmation_token" in data and not flag(data, "confirm"):
        raise StripeError(400, "This needs confirm=true.", param="confirm")
    intent = sandbox.store.new(
        "setup_intent",
        "seti",
        {
            "client_secret": None,
            "customer": customer,
            "description": text(data, "description"),
            "last_setup_error": None,
            "latest_attempt": None,
            "metadata": metadata(data),
            "next_action": None,
            "payment_method": None,
            "payment_method_types": data.get("payment_method_types") or ["card"],
            "status": "requires_payment_method",
            "usage": text(data, "usage", ("off_session", "on_session")) or "off_session",
        },
    )
    intent["client_secret"] = f"{intent['id']}_secret_{local.random_id(24)}"
    sandbox.store.save(intent)
    sandbox.events.record("setup_intent.created", intent)
    if flag(data, "confirm"):
        return _confirm(sandbox, intent, data)
    if text(data, "payment_method"):
        intent["payment_method"] = payment_methods.find(data["payment_method"], "payment_method").id
        intent["status"] = "requires_confirmation"
        sandbox.store.save(intent)
    return intent


def find(sandbox: Sandbox, id: str) -> dict[str, Any]:
    """Raises when there is none."""
    intent = sandbox.store.find("setup_intent", id)
    if intent is None:
        raise missing("setup_intent", id, "id")
    return intent


def list_intents(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """The latest first; `customer` filters."""
    known(data, ("customer", "limit", "starting_after", "ending_before"))
    intents = [
        intent
        for intent in sandbox.store.all("setup_intent")
        if "customer" not in data or intent["customer"] == data["customer"]
    ]
    return page(intents, data, "/v1/setup_intents")


def confirm(sandbox: Sandbox, id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Confirms one, from the server or from a browser with its secret. Raises a 402 when the card declines."""
    known(data, _OF_CONFIRM)
    intent = find(sandbox, id)
    if "client_secret" in data and data["client_secret"] != intent["client_secret"]:
        raise StripeError(401, "Invalid client_secret", param="client_secret")
    return _confirm(sandbox, intent, data)


def authenticate(sandbox: Sandbox, id: str, data: dict[str, Any]) -> dict[str, Any]:
    """What the holder says to their bank: `success` true or false."""
    known(data, ("client_secret", "success"))
    intent = find(sandbox, id)
    if data.get("client_secret") != intent["client_secret"]:
        raise StripeError(401, "Invalid client_secret", param="client_secret")
    if intent["status"] != "requires_action":
        raise StripeError(400, "This SetupIntent does not wait for its customer.", code="setup_intent_unexpected_state")
    intent["next_action"] = None
    if flag(data, "success"):
        return _kept(sandbox, intent)
    message = "We are unable to authenticate your payment method."
    failure = {"type": "card_error", "code": "setup_intent_authentication_failure", "message": message}
    intent |= {"last_setup_error": failure, "status": "requires_payment_method", "payment_method": None}
    sandbox.store.save(intent)
    sandbox.events.record("setup_intent.setup_failed", intent)
    return intent


def cancel(sandbox: Sandbox, id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Cancels what was not kept."""
    known(data, ("cancellation_reason",))
    intent = find(sandbox, id)
    if intent["status"] not in _UNCONFIRMED:
        raise StripeError(400, f"This SetupIntent is {intent['status']}.", code="setup_intent_unexpected_state")
    intent |= {"status": "canceled", "next_action": None}
    sandbox.store.save(intent)
    sandbox.events.record("setup_intent.canceled", intent)
    return intent


def _confirm(sandbox: Sandbox, intent: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    if intent["status"] not in _UNCONFIRMED:
        raise StripeError(
            400, f"This SetupIntent's status is {intent['status']}.", code="setup_intent_unexpected_state"
        )
    if text(data, "confirmation_token"):
        method_id = confirmation_tokens.use(sandbox, data["confirmation_token"], intent)
    elif "payment_method_data" in data:
        method_id = payment_methods.of_data(data["payment_method_data"], "payment_method_data").id
    else:
        method_id = text(data, "payment_method") or intent["payment_method"]
    if method_id is None:
        raise StripeError(400, "A payment method is needed to confirm this SetupIntent.", param="payment_method")
    method = payment_methods.find(method_id, "payment_method")
    if method.customer is not None and method.customer != intent["customer"]:
        raise StripeError(400, "The provided PaymentMethod is attached to another customer.", param="payment_method")
    card = payment_methods.card_of(method)
    intent["latest_attempt"] = f"setatt_{local.random_id(24)}"
    if sandbox.faults.decline:
        return _failed(sandbox, intent, method, "card_declined", sandbox.faults.decline)
    if card.decline is not None and card.number != payment_methods.GOOD_UNTIL_CHARGED:
        return _failed(sandbox, intent, method, *card.decline)
    intent["payment_method"] = method.id
    if not card.authenticates:
        return _kept(sandbox, intent)
    intent["status"] = "requires_action"
    intent["next_action"] = {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": ""},
    }
    sandbox.store.save(intent)
    sandbox.events.record("setup_intent.requires_action", intent)
    return intent


def _kept(sandbox: Sandbox, intent: dict[str, Any]) -> dict[str, Any]:
    if intent["customer"] is not None:
        payment_methods.find(intent["payment_method"], "payment_method").customer = intent["customer"]
    intent |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
    sandbox.store.save(intent)
    sandbox.events.record("setup_intent.succeeded", intent)
    return intent


def _failed(
    sandbox: Sandbox, intent: dict[str, Any], method: Any, code: str, decline_code: str | None
) -> dict[str, Any]:
    message = MESSAGES.get(decline_code or "") or MESSAGES[code]
    failure: dict[str, Any] = {"type": "card_error", "code": code, "message": message}
    failure["payment_method"] = method._export()
    if decline_code is not None:
        failure["decline_code"] = decline_code
    intent |= {"last_setup_error": failure, "payment_method": None, "status": "requires_payment_method"}
    sandbox.store.save(intent)
    sandbox.events.record("setup_intent.setup_failed", intent)
    fields = {name: value for name, value in failure.items() if name not in {"type", "message"}}
    raise StripeError(402, message, type="card_error", setup_intent=intent, **fields)
