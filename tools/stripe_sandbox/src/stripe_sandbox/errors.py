"""Errors in Stripe's form."""

from typing import Any


class StripeError(Exception):
    """An answer other than 200, as Stripe words it: `{"error": {type, code, message, param, …}}`."""

    def __init__(self, status: int, message: str, *, type: str = "invalid_request_error", **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"error": {"type": type, "message": message, **fields}}


def missing(kind: str, id: str, param: str) -> StripeError:
    """A resource that does not exist: 404 when the path names it, 400 when a parameter does."""
    return StripeError(
        404 if param == "id" else 400, f"No such {kind}: '{id}'", code="resource_missing", param=param
    )  # fmt: skip


def unexpected_state(message: str, intent: dict[str, Any]) -> StripeError:
    """A payment intent whose status does not allow what was asked."""
    return StripeError(400, message, code="payment_intent_unexpected_state", payment_intent=intent)
