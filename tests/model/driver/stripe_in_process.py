"""Stripe's protocol in this process, for thousands of operations: it keeps its own books, and refuses what Stripe does.

It stands in for `processor.StripeProcessor` (the methods that billing calls, with its outcomes and errors). What the
local Stripe and the official library do is tested elsewhere; here they would be most of the time.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from processor import (
    DisputeState,
    Method,
    Outcome,
    ProcessorRefused,
    ProcessorUnavailable,
    RefundOutcome,
    SetupOutcome,
)

from tests.model.reference.terms import MINIMUM_CHARGES, STEPS

DISPUTE_FEE = 1500


def _ensure_whole(amount, currency):
    assert amount % STEPS.get(currency, 1) == 0, f"{amount} {currency} has decimals that Stripe refuses"


def fee_of(amount):
    """2.9 % and 30 cents, rounded half up."""
    return (amount * 29 + 500) // 1000 + 30


@dataclass
class Intent:
    id: str
    amount: int
    currency: str
    metadata: dict
    status: str = "succeeded"
    code: str | None = None
    refunds: list = field(default_factory=list)
    dispute: dict | None = None

    @property
    def refunded(self):
        return sum(one["amount"] for one in self.refunds if one["status"] in ("pending", "succeeded"))


class InProcessStripe:
    """One account. `declines` are customers with the code that their cards decline with; `silent` are
    organizations whose next charge gets no answer."""

    def __init__(self):
        self.intents, self.keys, self.declines, self.refunds, self.disputes = {}, {}, {}, {}, {}
        self.silent = set()
        self.refund_ends = {}
        """By payment: how its next refund ends, where it does not succeed at once."""
        self._number = 0
        self._by_payment, self._by_customer = {}, {}

    def _new(self, prefix):
        self._number += 1
        return f"{prefix}_{self._number:08d}"

    def pay(self, amount, currency, metadata, code=None):
        """What a charge becomes."""
        status = "requires_payment_method" if code else "succeeded"
        intent = Intent(self._new("pi"), amount, currency, metadata, status, code)
        self.intents[intent.id] = intent
        return intent

    def _outcome(self, intent):
        if intent.code:
            return Outcome("declined", intent.id, intent.code, "Your card was declined.")
        facts = {"method": "card", "method_metadata": {"brand": "visa", "last4": "4242"}, "fee": fee_of(intent.amount)}
        return Outcome("succeeded", intent.id, facts=facts)

    def _once(self, key, wish, work):
        known = self.keys.get(key)
        if known is None:
            known = self.keys[key] = (wish, work())
        assert known[0] == wish, f"the key {key} was used for another wish"
        return known[1]

    async def charge_saved(self, charge):
        assert charge.amount >= MINIMUM_CHARGES[charge.currency], f"{charge.amount} is less than Stripe charges"
        _ensure_whole(charge.amount, charge.currency)
        wish = (charge.amount, charge.currency, charge.customer, charge.payment_method)
        code = self.declines.get(charge.customer)
        intent = self._once(charge.key, wish, lambda: self.pay(charge.amount, charge.currency, charge.metadata, code))
        self._by_payment[charge.metadata["payment_id"]] = intent.id
        self._be_silent(charge.metadata["organization_id"])
        return self._outcome(intent)

    def _be_silent(self, owner):
        if owner in self.silent:
            self.silent.remove(owner)
            raise ProcessorUnavailable("no answer")

    async def retrieve(self, processor_id):
        return self._outcome(self.intents[processor_id])

    async def find_payment(self, customer, payment_id):
        found = self._by_payment.get(payment_id)
        return self._outcome(self.intents[found]) if found else None

    async def create_customer(self, key, email, name, metadata):
        return f"cus_{metadata['customer_id']}"

    async def set_up(self, setup):
        return SetupOutcome("succeeded", self._new("seti"), f"{self._new('pm')}_of_{setup.customer}")

    async def retrieve_method(self, processor_id):
        return Method(processor_id, "card", processor_id.split("_of_")[1], {"brand": "visa", "last4": "4242"})

    async def refund(self, refund):
        intent = self.intents[refund.processor_id]
        return self._refund_outcome(
            self._once(refund.key, (refund.processor_id, refund.amount), lambda: self._refunded(intent, refund))
        )

    def _refunded(self, intent, refund):
        left = intent.amount - intent.refunded
        amount = left if refund.amount is None else refund.amount
        if intent.status != "succeeded":
            raise ProcessorRefused("not paid", "charge_not_refundable")
        if intent.dispute is not None and intent.dispute["status"] in ("needs_response", "under_review", "lost"):
            raise ProcessorRefused("charged back", "charge_disputed")
        if left == 0:
            raise ProcessorRefused("refunded", "charge_already_refunded")
        _ensure_whole(amount, intent.currency)
        if not 1 <= amount <= left:
            raise ProcessorRefused("more than is left", "parameter_invalid")
        status = self.refund_ends.pop(intent.id, "succeeded")
        made = {
            "id": self._new("re"), "amount": amount, "currency": intent.currency, "payment_intent": intent.id,
            "status": status, "metadata": dict(refund.metadata), "failure_reason": None,
        }  # fmt: skip
        intent.refunds.append(made)
        self.refunds[made["id"]] = made
        return made

    @staticmethod
    def _refund_outcome(made):
        return RefundOutcome(
            made["status"], made["id"], made["amount"], made["currency"], made["payment_intent"],
            made["failure_reason"], made["metadata"],
        )  # fmt: skip

    async def find_refund(self, processor_id, refund_id):
        found = [one for one in self.intents[processor_id].refunds if one["metadata"].get("refund_id") == refund_id]
        return self._refund_outcome(found[0]) if found else None

    async def refunds_of(self, processor_id):
        return [self._refund_outcome(one) for one in reversed(self.intents[processor_id].refunds)]

    async def retrieve_refund(self, processor_id):
        return self._refund_outcome(self.refunds[processor_id])

    def end_refund(self, made, status):
        """A refund comes to an end later; returns what the call-back carries."""
        made["status"] = status
        made["failure_reason"] = "expired_or_canceled_card" if status == "failed" else None
        return dict(made)

    def dispute(self, intent):
        """A bank takes what is left of a payment; returns what the call-back carries."""
        amount = intent.amount - intent.refunded
        said = {
            "id": self._new("dp"), "amount": amount, "currency": intent.currency, "reason": "fraudulent",
            "status": "needs_response", "payment_intent": intent.id, "created": 1_800_000_000,
            "evidence_details": {"due_by": None},
            "balance_transactions": [{"amount": -amount, "fee": DISPUTE_FEE}],
        }  # fmt: skip
        intent.dispute = said
        self.disputes[said["id"]] = said
        return dict(said)

    def decide(self, said, *, won):
        """The bank decides; returns what the call-back carries."""
        said["status"] = "won" if won else "lost"
        if won:
            said["balance_transactions"] = [*said["balance_transactions"], {"amount": said["amount"], "fee": 0}]
        return dict(said)

    async def retrieve_dispute(self, processor_id):
        return self._state(self.disputes[processor_id])

    async def accept_dispute(self, processor_id, key):
        said = self.disputes[processor_id]
        if said["status"] not in ("needs_response", "under_review"):
            raise ProcessorRefused("closed already", "dispute_closed")
        return self._state(self.decide(said, won=False))

    @staticmethod
    def _state(said):
        return DisputeState(
            said["id"], said["status"], said["amount"], said["currency"], said["reason"], said["payment_intent"], None,
            datetime.fromtimestamp(said["created"], UTC), list(said["balance_transactions"]),
        )  # fmt: skip

    def holds(self, owner):
        """What Stripe has of an organization after fees: charges less refunds that went through and what banks took."""
        return sum(self.held_of(one) for one in self.intents.values() if one.metadata["organization_id"] == owner)

    def held_of(self, intent):
        """What Stripe has of one intent."""
        if intent.status != "succeeded":
            return 0
        given = sum(one["amount"] for one in intent.refunds if one["status"] == "succeeded")
        moves = (intent.dispute or {}).get("balance_transactions", ())
        return intent.amount - fee_of(intent.amount) - given + sum(one["amount"] - one["fee"] for one in moves)
