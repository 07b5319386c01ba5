"""Refunds: of a charge, in parts or whole, and never more than was paid."""

from typing import Any

from stripe_sandbox import disputes, payment_intents
from stripe_sandbox.balance import movement
from stripe_sandbox.cards import of_number
from stripe_sandbox.errors import StripeError, missing
from stripe_sandbox.events import Sandbox
from stripe_sandbox.parameters import check_step, integer, known, metadata, page, text

SETTLES_AFTER_SECONDS = 2.0
"""How long a refund waits for its outcome on the cards whose refunds do so; `POST /_sandbox/refunds/{id}/settle` does
not wait."""


def create(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """Gives money back: `amount` minor units, or what is left of the charge."""
    known(data, ("charge", "payment_intent", "amount", "reason", "metadata"))
    charge = _charge(sandbox, data)
    if not charge["paid"] or not charge["captured"]:
        raise StripeError(400, "This charge was not paid: there is nothing to refund.", code="charge_not_refundable")
    if disputes.blocks_refunds(sandbox, charge):
        raise StripeError(
            400, f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed",
            param="charge",
        )  # fmt: skip
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
    check_step(amount, charge["currency"])
    behaviour = of_number(charge["_card_number"]).refunds
    refund = sandbox.store.new(
        "refund",
        "re",
        {
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "currency": charge["currency"],
            "failure_balance_transaction": None,
            "failure_reason": None,
            "metadata": metadata(data),
            "payment_intent": charge["payment_intent"],
            "reason": text(data, "reason", payment_intents.REASONS[:3]),
            "status": "pending" if behaviour == "late" else "succeeded",
            "_settles": behaviour is not None,
        },
    )
    refund["balance_transaction"] = movement(sandbox, "refund", refund, -amount, 0)["id"]
    sandbox.store.save(refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    sandbox.store.save(charge)
    sandbox.events.record("refund.created", refund)
    sandbox.events.record("charge.refunded", charge)
    return refund


def settle(sandbox: Sandbox, id: str) -> dict[str, Any]:
    """The outcome of a refund that has none yet: success for the cards that are late, failure for those that fail."""
    refund = find(sandbox, id)
    if not refund["_settles"]:
        return refund
    refund["_settles"] = False
    charge = sandbox.store.find("charge", refund["charge"]) or {}
    if refund["status"] == "pending":
        refund["status"] = "succeeded"
        sandbox.store.save(refund)
        sandbox.events.record("refund.updated", refund)
        sandbox.events.record("charge.refund.updated", refund)
        return refund
    back = movement(sandbox, "refund_failure", refund, refund["amount"], 0)
    refund |= {
        "status": "failed", "failure_reason": "expired_or_canceled_card", "failure_balance_transaction": back["id"],
    }  # fmt: skip
    sandbox.store.save(refund)
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    sandbox.store.save(charge)
    for kind in ("refund.failed", "refund.updated", "charge.refund.updated"):
        sandbox.events.record(kind, refund)
    return refund


def unsettled(sandbox: Sandbox, before: float) -> list[str]:
    """The ids of refunds made before an instant (seconds since 1970) that still have to settle."""
    waiting = "json_extract(body, '$._settles') = 1"
    return sandbox.store.ids("refund", f"{waiting} AND json_extract(body, '$.created') <= {before:.0f}")


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
