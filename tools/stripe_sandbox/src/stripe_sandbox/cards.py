"""Stripe's test cards: their numbers, the names of their payment methods, and how they behave.

Source: Stripe's documentation of testing (the numbers and names are published there).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """A test card. `decline` is the pair of code and decline code with which every charge fails."""

    number: str
    brand: str = "visa"
    country: str = "US"
    funding: str = "credit"
    decline: tuple[str, str | None] | None = None
    authenticates: bool = False
    """Whether the holder has to confirm a payment (3-D Secure)."""
    disputes: str | None = None
    """The reason with which every paid charge is disputed at once; `inquiry` asks before it takes the money."""
    risk: str = "normal"
    """How Radar judges a charge: normal, elevated or highest, which it blocks."""
    refunds: str | None = None
    """`late`: a refund is pending first; `failing`: a refund that succeeded fails later."""


MESSAGES = {
    "card_declined": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
    "insufficient_funds": "Your card has insufficient funds.",
}

_DECLINED = Card("4000000000000002", decline=("card_declined", "generic_decline"))
_INSUFFICIENT = Card("4000000000009995", decline=("card_declined", "insufficient_funds"))
_LOST = Card("4000000000009987", decline=("card_declined", "lost_card"))
_STOLEN = Card("4000000000009979", decline=("card_declined", "stolen_card"))
_EXPIRED = Card("4000000000000069", decline=("expired_card", None))
_CVC = Card("4000000000000127", decline=("incorrect_cvc", None))
_PROCESSING = Card("4000000000000119", decline=("processing_error", None))
_VELOCITY = Card("4000000000006975", decline=("card_declined", "card_velocity_exceeded"))
_CHARGE_FAILS = Card("4000000000000341", decline=("card_declined", "generic_decline"))
_BLOCKED = Card("4100000000000019", decline=("card_declined", "fraudulent"), risk="highest")

BY_NAME: dict[str, Card] = {
    "pm_card_visa": Card("4242424242424242"),
    "pm_card_visa_debit": Card("4000056655665556", funding="debit"),
    "pm_card_mastercard": Card("5555555555554444", "mastercard"),
    "pm_card_mastercard_debit": Card("5200828282828210", "mastercard", funding="debit"),
    "pm_card_mastercard_prepaid": Card("5105105105105100", "mastercard", funding="prepaid"),
    "pm_card_amex": Card("378282246310005", "amex"),
    "pm_card_discover": Card("6011111111111117", "discover"),
    "pm_card_diners": Card("3056930009020004", "diners"),
    "pm_card_jcb": Card("3566002020360505", "jcb"),
    "pm_card_unionpay": Card("6200000000000005", "unionpay"),
    "pm_card_us": Card("4242424242424242"),
    "pm_card_br": Card("4000000760000002", country="BR"),
    "pm_card_ca": Card("4000001240000000", country="CA"),
    "pm_card_mx": Card("4000004840008001", country="MX"),
    "pm_card_at": Card("4000000400000008", country="AT"),
    "pm_card_be": Card("4000000560000004", country="BE"),
    "pm_card_ch": Card("4000007560000009", country="CH"),
    "pm_card_de": Card("4000002760000016", country="DE"),
    "pm_card_es": Card("4000007240000007", country="ES"),
    "pm_card_fr": Card("4000002500000003", country="FR"),
    "pm_card_gb": Card("4000008260000000", country="GB"),
    "pm_card_it": Card("4000003800000008", country="IT"),
    "pm_card_nl": Card("4000005280000002", country="NL"),
    "pm_card_au": Card("4000000360000006", country="AU"),
    "pm_card_jp": Card("4000003920000003", country="JP"),
    "pm_card_chargeDeclined": _DECLINED,
    "pm_card_visa_chargeDeclined": _DECLINED,
    "pm_card_chargeDeclinedInsufficientFunds": _INSUFFICIENT,
    "pm_card_visa_chargeDeclinedInsufficientFunds": _INSUFFICIENT,
    "pm_card_chargeDeclinedLostCard": _LOST,
    "pm_card_visa_chargeDeclinedLostCard": _LOST,
    "pm_card_chargeDeclinedStolenCard": _STOLEN,
    "pm_card_visa_chargeDeclinedStolenCard": _STOLEN,
    "pm_card_chargeDeclinedExpiredCard": _EXPIRED,
    "pm_card_chargeDeclinedIncorrectCvc": _CVC,
    "pm_card_chargeDeclinedProcessingError": _PROCESSING,
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": _VELOCITY,
    "pm_card_chargeCustomerFail": _CHARGE_FAILS,
    "pm_card_radarBlock": _BLOCKED,
    "pm_card_riskLevelElevated": Card("4000000000009235", risk="elevated"),
    "pm_card_createDispute": Card("4000000000000259", disputes="fraudulent"),
    "pm_card_createDisputeProductNotReceived": Card("4000000000002685", disputes="product_not_received"),
    "pm_card_createDisputeInquiry": Card("4000000000001976", disputes="inquiry"),
    "pm_card_pendingRefund": Card("4000000000007726", refunds="late"),
    "pm_card_refundFail": Card("4000000000005126", refunds="failing"),
    "pm_card_authenticationRequired": Card("4000002760003184", authenticates=True),
    "pm_card_authenticationRequiredOnSetup": Card("4000002500003155", authenticates=True),
    "pm_card_threeDSecure2Required": Card("4000000000003220", authenticates=True),
    "pm_card_threeDSecureRequired": Card("4000000000003063", authenticates=True),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": Card(
        "4000008260003178", decline=("card_declined", "insufficient_funds"), authenticates=True
    ),
    "pm_card_threeDSecureRequiredChargeDeclined": Card(
        "4000008400001629", decline=("card_declined", "generic_decline"), authenticates=True
    ),
}
BY_NUMBER: dict[str, Card] = {card.number: card for card in BY_NAME.values()}


def of_number(number: str) -> Card:
    """How a card number behaves; one that is not listed is a Visa that always works."""
    return BY_NUMBER.get(number) or Card(number)
