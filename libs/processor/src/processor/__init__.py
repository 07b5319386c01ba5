"""Stripe, as the services that move money speak to it: one client, one vocabulary of what came of it.

The services know nothing of Stripe's shapes but the words of this package. It knows no table and no service.
"""

from processor.outcomes import (
    UNRECOVERABLE,
    DeclinedCard,
    DisputeState,
    Method,
    Outcome,
    RefundOutcome,
    SetupOutcome,
    Status,
    dispute_of,
    is_brief,
    judgement_of,
    outcome_of,
    refund_of,
    setup_of,
)
from processor.settings import StripeSettings
from processor.stripe import (
    ProcessorRefused,
    ProcessorUnavailable,
    StripeProcessor,
    event_of,
    is_test_method,
    refusal_of,
)
from processor.wishes import Charge, Refund, SavedCharge, Setup

__all__ = [
    "UNRECOVERABLE",
    "Charge",
    "DeclinedCard",
    "DisputeState",
    "Method",
    "Outcome",
    "ProcessorRefused",
    "ProcessorUnavailable",
    "Refund",
    "RefundOutcome",
    "SavedCharge",
    "Setup",
    "SetupOutcome",
    "Status",
    "StripeProcessor",
    "StripeSettings",
    "dispute_of",
    "event_of",
    "is_brief",
    "is_test_method",
    "judgement_of",
    "outcome_of",
    "refund_of",
    "refusal_of",
    "setup_of",
]
