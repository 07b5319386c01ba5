"""Refunds: of a charge, in parts or whole, and never more than was paid."""

from typing import Any

from stripe_sandbox import payment_intents
from stripe_sandbox.errors import StripeError, missing
from stripe_sandbox.events import Sandbox
from stripe_sandbox.parameters import integer, known, metadata, page, text


def create(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """Gives money back: `amount` minor units, or what is left of the charge."""
    known(data, ("charge", "payment_intent", "amount", "reason", "metadata"))
    charge = _charge(sandbox, data)
    if not charge["paid"] or not charge["captured"]:
        raise StripeError(400, "This charge was not paid: there is nothing to refund.", code="charge_not_refundable")
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise StripeError(
            400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded", param="charge"
        )
    amount = integer(data, "amount") if "amount" in data else left
    if amount < 1:
        raise StripeError(400, "Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        raise StripeError(
            400, f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount"
        )
    refund = sandbox.store.new(
        "refund",
        "re",
        {
            "amount": amount,
            "charge": charge["id"],
            "currency": charge["currency"],
            "metadata": metadata(data),
            "payment_intent": charge["payment_intent"],
            "reason": text(data, "reason", payment_intents.REASONS[:3]),
            "status": "succeeded",
            "failure_reason": None,
        },
    )
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    sandbox.store.save(charge)
    sandbox.events.record("refund.created", refund)
    sandbox.events.record("charge.refunded", charge)
    return refund


def find(sandbox: Sandbox, id: str) -> dict[str, Any]:
    """Raises when there is none."""
    refund = sandbox.store.find("refund", id)
    if refund is None:
        raise missing("refund", id, "id")
    return refund


def list_refunds(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """The latest first; `charge` and `payment_intent` filter."""
    known(data, ("charge", "payment_intent", "limit", "starting_after", "ending_before"))
    refunds = [
        refund
        for refund in sandbox.store.all("refund")
        if all(refund[name] == data[name] for name in ("charge", "payment_intent") if name in data)
    ]
    return page(refunds, data, "/v1/refunds")


def _charge(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    id = text(data, "charge")
    if id is None:
        intent_id = text(data, "payment_intent")
        if intent_id is None:
            raise StripeError(
                400, "One of the following params should be provided: payment_intent or charge.",
                code="parameter_missing",
            )  # fmt: skip
        id = payment_intents.find(sandbox, intent_id, "payment_intent")["latest_charge"]
        if id is None:
            raise StripeError(400, "This PaymentIntent does not have a successful charge to refund.")
    charge = sandbox.store.find("charge", id)
    if charge is None:
        raise missing("charge", id, "charge")
    return charge
