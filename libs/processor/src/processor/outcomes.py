"""What Stripe says, in our words: of payments, set-ups of cards, refunds and disputes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Status = Literal["succeeded", "declined", "requires_action", "open"]

UNRECOVERABLE = frozenset({
    "authentication_not_handled", "card_not_supported", "currency_not_supported", "do_not_honor",
    "do_not_try_again", "expired_card", "fraudulent", "incorrect_number", "invalid_account", "invalid_number",
    "lost_card", "new_account_information_available", "no_action_taken", "not_permitted", "pickup_card",
    "restricted_card", "revocation_of_all_authorizations", "revocation_of_authorization", "security_violation",
    "stolen_card", "stop_payment_order", "transaction_not_allowed",
})  # fmt: skip
"""Decline codes after which asking the same card again is hopeless (Stripe's documentation of declines)."""


RISK = ("type", "risk_level", "risk_score", "seller_message")
"""What is kept of a charge's `outcome`: for the seller alone, since it tells a thief what to do otherwise."""


@dataclass(frozen=True)
class Outcome:
    """What Stripe says of a payment. `open` means that it is still deciding.

    `facts`: `method` (`card`), `method_metadata` (brand, last4), `method_details` (when it expires, too),
    `customer` and `payment_method` (Stripe's ids), `fee`, what Stripe kept in minor units, where it was told
    and is of the payment's currency, and `outcome`, what Radar and the bank said (see `RISK`).
    """

    status: Status
    processor_id: str | None = None
    decline_code: str | None = None
    message: str | None = None
    client_secret: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    tried: "DeclinedCard | None" = None
    """The card that was declined last. None where there was none, or the bank's question went unanswered."""


@dataclass(frozen=True)
class SetupOutcome:
    """What Stripe says of a card that is to be kept without a charge. `payment_method` is there once it succeeded."""

    status: Status
    processor_id: str | None = None
    payment_method: str | None = None
    client_secret: str | None = None
    decline_code: str | None = None
    message: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    tried: "DeclinedCard | None" = None


@dataclass(frozen=True)
class DeclinedCard:
    """One decline of a card: Stripe's id of the charge, or of the attempt to set it up, and the card's fingerprint."""

    id: str
    fingerprint: str | None = None


@dataclass(frozen=True)
class Method:
    """A saved payment method. `metadata` of a card: brand, last4, exp_month, exp_year, fingerprint."""

    processor_id: str
    type: str
    customer: str | None
    metadata: dict[str, Any]


@dataclass(frozen=True)
class RefundOutcome:
    """What Stripe says of a refund: `pending`, `succeeded`, `failed` or `canceled`. `amount` in minor units."""

    status: str
    processor_id: str
    amount: int
    currency: str
    payment_intent: str | None = None
    failure_reason: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DisputeState:
    """What Stripe says of a dispute, in its own status words. `amount` in minor units."""

    processor_id: str
    status: str
    amount: int
    currency: str
    reason: str | None
    payment_intent: str | None
    evidence_due_by: datetime | None
    created_at: datetime
    balance_transactions: list[dict[str, Any]] = field(default_factory=list)


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
            message = last_error.get("message") or "The payment failed."
            judged = {"outcome": facts["outcome"]} if "outcome" in facts else {}
            tried = declined_card(last_error, last_error.get("charge"))
            return Outcome("declined", intent["id"], code, message, facts=judged, tried=tried)
        case _:
            return Outcome("open", intent["id"])


def is_brief(intent: dict[str, Any]) -> bool:
    """Whether a PaymentIntent was paid and does not say with which card and at what fee: call-backs name the charge."""
    return intent.get("status") == "succeeded" and not isinstance(intent.get("latest_charge"), dict)


def setup_of(intent: dict[str, Any]) -> SetupOutcome:
    """What a SetupIntent says."""
    error: Any = intent.get("last_setup_error") or {}
    method = _id(intent.get("payment_method"))
    secret, metadata = intent.get("client_secret"), dict(intent.get("metadata") or {})
    match intent["status"]:
        case "succeeded":
            return SetupOutcome("succeeded", intent["id"], method, secret, metadata=metadata)
        case "requires_action":
            return SetupOutcome("requires_action", intent["id"], None, secret, metadata=metadata)
        case "requires_payment_method" | "canceled" if error or intent["status"] == "canceled":
            code = error.get("decline_code") or error.get("code") or intent["status"]
            message = error.get("message") or "The card could not be kept."
            tried = declined_card(error, intent.get("latest_attempt"))
            return SetupOutcome("declined", intent["id"], None, secret, code, message, metadata, tried)
        case _:
            return SetupOutcome("open", intent["id"], None, secret, metadata=metadata)


def declined_card(error: dict[str, Any], attempt: Any) -> DeclinedCard | None:
    """The card that an intent's last error is about; `attempt` is Stripe's charge or set-up attempt."""
    id = _id(attempt)
    card: Any = (error.get("payment_method") or {}).get("card") or {}
    return DeclinedCard(id, card.get("fingerprint")) if id is not None else None


def method_of(method: dict[str, Any]) -> Method:
    """What a PaymentMethod says."""
    kind = method.get("type") or "card"
    details: Any = method.get(kind) or {}
    names = ("brand", "last4", "exp_month", "exp_year", "fingerprint")
    known = {name: details.get(name) for name in names if details.get(name) is not None}
    return Method(method["id"], kind, _id(method.get("customer")), known)


def refund_of(refund: dict[str, Any]) -> RefundOutcome:
    """What a Refund says."""
    return RefundOutcome(
        status=refund.get("status") or "pending",
        processor_id=refund["id"],
        amount=int(refund["amount"]),
        currency=refund["currency"],
        payment_intent=_id(refund.get("payment_intent")),
        failure_reason=refund.get("failure_reason"),
        metadata=dict(refund.get("metadata") or {}),
    )


def dispute_of(dispute: dict[str, Any]) -> DisputeState:
    """What a Dispute says."""
    due: Any = (dispute.get("evidence_details") or {}).get("due_by")
    return DisputeState(
        processor_id=dispute["id"],
        status=dispute["status"],
        amount=int(dispute["amount"]),
        currency=dispute["currency"],
        reason=dispute.get("reason"),
        payment_intent=_id(dispute.get("payment_intent")),
        evidence_due_by=datetime.fromtimestamp(due, UTC) if due else None,
        created_at=datetime.fromtimestamp(dispute["created"], UTC),
        balance_transactions=[one for one in dispute.get("balance_transactions") or [] if isinstance(one, dict)],
    )


def _facts(intent: dict[str, Any]) -> dict[str, Any]:
    """Brand, last digits and fee come with the charge, which is an object only where it was asked for."""
    charge: Any = intent.get("latest_charge")
    details: Any = charge.get("payment_method_details") if isinstance(charge, dict) else None
    facts: dict[str, Any] = {"method": "card", "method_metadata": {}}
    if details:
        facts["method"] = details.get("type", "card")
        card: Any = details.get("card") or {}
        facts["method_metadata"] = {name: card.get(name) for name in ("brand", "last4") if card.get(name)}
        names = ("brand", "last4", "exp_month", "exp_year")
        facts["method_details"] = {name: card.get(name) for name in names if card.get(name)}
    movement: Any = charge.get("balance_transaction") if isinstance(charge, dict) else None
    if isinstance(movement, dict) and movement.get("currency") == intent.get("currency"):
        facts["fee"] = int(movement.get("fee") or 0)
    judged = judgement_of(charge) if isinstance(charge, dict) else None
    if judged is not None:
        facts["outcome"] = judged
    for name in ("customer", "payment_method"):
        value = _id(intent.get(name))
        if value is not None:
            facts[name] = value
    return facts


def judgement_of(charge: dict[str, Any]) -> dict[str, Any] | None:
    """What Radar and the bank said of a Charge, as far as it is kept (`RISK`); None where Stripe does not say it.

    The answer to a declined charge has only the Charge's id; the call-back `charge.failed` has the Charge.
    """
    judged: Any = charge.get("outcome")
    return {name: judged.get(name) for name in RISK} if isinstance(judged, dict) else None


def _id(value: Any) -> str | None:
    """The id of what may be an object or its id."""
    return value if value is None or isinstance(value, str) else value.get("id")
