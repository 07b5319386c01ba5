"""Disputes: a cardholder takes a payment back through their bank, and the bank decides.

As Stripe's documentation of disputes and of testing says: an opened dispute takes the money and a fee at once; evidence
`winning_evidence` or `losing_evidence` decides it; closing it accepts the loss; an inquiry takes no money yet.
"""

from typing import Any

from stripe_sandbox.balance import movement
from stripe_sandbox.errors import StripeError, missing
from stripe_sandbox.events import Sandbox
from stripe_sandbox.parameters import flag, known, metadata, page

FEE = 1500
"""What Stripe keeps of a dispute, in minor units of USD (its published fee); the sandbox takes it in any currency."""
EVIDENCE_SECONDS = 7 * 24 * 60 * 60
OPEN = ("warning_needs_response", "warning_under_review", "needs_response", "under_review")
_UNDONE = ("won", "warning_closed")
_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "customer_communication", "customer_email_address",
    "customer_name", "customer_purchase_ip", "customer_signature", "product_description", "receipt",
    "refund_policy", "service_date", "service_documentation", "uncategorized_file", "uncategorized_text",
)  # fmt: skip


def open_on(sandbox: Sandbox, charge: dict[str, Any], reason: str, *, is_inquiry: bool = False) -> dict[str, Any]:
    """Opens a dispute over what is left of a charge. Raises for one that was not paid or is disputed already."""
    if not charge["paid"] or any(found["status"] not in _UNDONE for found in _of_charge(sandbox, charge)):
        raise StripeError(400, "This charge cannot be disputed.", param="charge")
    dispute = sandbox.store.new(
        "dispute",
        "dp",
        {
            "amount": charge["amount_captured"] - charge["amount_refunded"],
            "balance_transactions": [],
            "charge": charge["id"],
            "currency": charge["currency"],
            "evidence": dict.fromkeys(_EVIDENCE),
            "evidence_details": {
                "due_by": charge["created"] + EVIDENCE_SECONDS, "has_evidence": False, "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": is_inquiry,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "warning_needs_response" if is_inquiry else "needs_response",
        },
    )  # fmt: skip
    charge["disputed"] = True
    sandbox.store.save(charge)
    sandbox.events.record("charge.dispute.created", dispute)
    if not is_inquiry:
        _withdraw(sandbox, dispute)
    return dispute


def _withdraw(sandbox: Sandbox, dispute: dict[str, Any]) -> None:
    taken = movement(sandbox, "adjustment", dispute, -dispute["amount"], FEE)
    dispute["balance_transactions"].append(taken)
    sandbox.store.save(dispute)
    sandbox.events.record("charge.dispute.funds_withdrawn", dispute)


def find(sandbox: Sandbox, id: str) -> dict[str, Any]:
    """Raises when there is none."""
    dispute = sandbox.store.find("dispute", id)
    if dispute is None:
        raise missing("dispute", id, "id")
    return dispute


def list_disputes(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """The latest first; `charge` and `payment_intent` filter."""
    known(data, ("charge", "payment_intent", "limit", "starting_after", "ending_before"))
    disputes = [
        dispute
        for dispute in sandbox.store.all("dispute")
        if all(dispute[name] == data[name] for name in ("charge", "payment_intent") if name in data)
    ]
    return page(disputes, data, "/v1/disputes")


def update(sandbox: Sandbox, id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Takes evidence; with `submit` (the default) it goes to the bank, which answers at once to the test's words."""
    known(data, ("evidence", "metadata", "submit"))
    dispute = _open(sandbox, id)
    evidence = data.get("evidence") or {}
    if not isinstance(evidence, dict):
        raise StripeError(400, "Invalid object", param="evidence")
    known(evidence, _EVIDENCE)
    dispute["evidence"] |= evidence
    dispute["metadata"] = metadata(data, dispute["metadata"])
    details = dispute["evidence_details"]
    details["has_evidence"] = any(dispute["evidence"].values())
    if evidence and ("submit" not in data or flag(data, "submit")):
        details["submission_count"] += 1
        dispute["status"] = dispute["status"].replace("needs_response", "under_review")
        sandbox.events.record("charge.dispute.updated", dispute)
        said = dispute["evidence"]["uncategorized_text"]
        if said in ("winning_evidence", "losing_evidence"):
            return decide(sandbox, id, won=said == "winning_evidence")
    sandbox.store.save(dispute)
    return dispute


def accept(sandbox: Sandbox, id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Closes a dispute: it is lost."""
    known(data, ())
    return decide(sandbox, id, won=False)


def decide(sandbox: Sandbox, id: str, *, won: bool) -> dict[str, Any]:
    """The bank's decision. What was withdrawn comes back when it is won; the fee does not."""
    dispute = _open(sandbox, id)
    was_inquiry = dispute["status"].startswith("warning")
    if was_inquiry and not won:
        # An inquiry that is not answered turns into a dispute, which takes the money.
        dispute["status"], dispute["is_charge_refundable"] = "needs_response", False
        _withdraw(sandbox, dispute)
    dispute["status"] = "warning_closed" if was_inquiry and won else "won" if won else "lost"
    sandbox.store.save(dispute)
    if dispute["status"] == "won":
        dispute["balance_transactions"].append(movement(sandbox, "adjustment", dispute, dispute["amount"], 0))
        sandbox.store.save(dispute)
        sandbox.events.record("charge.dispute.funds_reinstated", dispute)
    sandbox.events.record("charge.dispute.closed", dispute)
    return dispute


def blocks_refunds(sandbox: Sandbox, charge: dict[str, Any]) -> bool:
    """Whether a charge was taken back by the bank, or may be: an inquiry may still be answered with a refund."""
    blocking = ("needs_response", "under_review", "lost")
    return charge["disputed"] and any(found["status"] in blocking for found in _of_charge(sandbox, charge))


def _of_charge(sandbox: Sandbox, charge: dict[str, Any]) -> list[dict[str, Any]]:
    return [found for found in sandbox.store.all("dispute") if found["charge"] == charge["id"]]


def _open(sandbox: Sandbox, id: str) -> dict[str, Any]:
    dispute = find(sandbox, id)
    if dispute["status"] not in OPEN:
        raise StripeError(400, f"This dispute is already closed ({dispute['status']}).", param="id")
    return dispute
