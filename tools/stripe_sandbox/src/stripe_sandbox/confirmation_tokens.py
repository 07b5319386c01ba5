"""Confirmation tokens: what Stripe.js makes of a filled form, used once by the payment intent that it confirms."""

import time
from typing import Any

from stripe_sandbox import payment_methods
from stripe_sandbox.errors import StripeError, missing
from stripe_sandbox.events import Sandbox
from stripe_sandbox.parameters import known, text

LASTS_SECONDS = 12 * 60 * 60
_PARAMETERS = (
    "payment_method",
    "payment_method_data",
    "return_url",
    "setup_future_usage",
    "shipping",
    "client_context",
    "payment_method_options",
)


def create(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """A token, from a test helper (with the secret key) or from a browser (with the publishable one)."""
    known(data, _PARAMETERS)
    if "payment_method_data" in data:
        method = payment_methods.of_data(data["payment_method_data"], "payment_method_data")
    elif text(data, "payment_method"):
        method = payment_methods.find(data["payment_method"], "payment_method")
    else:
        raise StripeError(
            400, "Missing required param: payment_method_data.", code="parameter_missing", param="payment_method_data"
        )
    exported = method._export()
    preview = {name: exported[name] for name in ("type", "billing_details", "card", "customer") if name in exported}
    return sandbox.store.new(
        "confirmation_token",
        "ctoken",
        {
            "expires_at": int(time.time()) + LASTS_SECONDS,
            "payment_intent": None,
            "payment_method_preview": preview,
            "return_url": text(data, "return_url"),
            "setup_future_usage": text(data, "setup_future_usage", ("off_session", "on_session")),
            "setup_intent": None,
            "shipping": data.get("shipping"),
            "use_stripe_sdk": True,
            "_payment_method": method.id,
        },
    )


def find(sandbox: Sandbox, id: str, param: str) -> dict[str, Any]:
    """Raises when there is none."""
    token = sandbox.store.find("confirmation_token", id)
    if token is None:
        raise missing("ConfirmationToken", id, param)
    return token


def use(sandbox: Sandbox, id: str, intent: dict[str, Any]) -> str:
    """Spends a token on an intent of either kind. Returns the payment method. Raises when it was spent or too old."""
    token = find(sandbox, id, "confirmation_token")
    if token["payment_intent"] is not None or token["setup_intent"] is not None:
        raise StripeError(
            400,
            "This ConfirmationToken has already been used to confirm a PaymentIntent.",
            code="resource_already_exists",
            param="confirmation_token",
        )
    if token["expires_at"] <= time.time():
        raise StripeError(400, "This ConfirmationToken has expired.", param="confirmation_token")
    token[intent["object"]] = intent["id"]
    if intent["object"] == "payment_intent":
        intent["setup_future_usage"] = intent["setup_future_usage"] or token["setup_future_usage"]
    sandbox.store.save(token)
    return str(token["_payment_method"])
