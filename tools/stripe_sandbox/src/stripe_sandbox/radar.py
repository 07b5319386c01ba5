"""What Radar says of a charge. Source: Stripe's reference of `charge.outcome`."""

from typing import Any

from stripe_sandbox.cards import Card

SCORES = {"normal": 12, "elevated": 66, "highest": 92}
"""Radar's scores go to 99; elevated begins at 65, highest at 75."""


def outcome_of(card: Card, failure: dict[str, Any] | None) -> dict[str, Any]:
    """The outcome of a charge that was paid, or failed as `failure` says: blocked, or declined by the bank."""
    decided: tuple[str, str | None, str, str]
    if failure is None:
        decided = ("approved_by_network", None, "Payment complete.", "authorized")
    elif card.risk == "highest":
        decided = ("not_sent_to_network", "highest_risk_level", "Stripe blocked this payment as too risky.", "blocked")
    else:
        message = "The bank did not return any further details with this decline."
        decided = ("declined_by_network", failure.get("decline_code") or failure["code"], message, "issuer_declined")
    network_status, reason, advice, kind = decided
    return {
        "network_status": network_status,
        "reason": reason,
        "risk_level": card.risk,
        "risk_score": SCORES[card.risk],
        "seller_message": advice,
        "type": kind,
    }
