"""Payment methods: localstripe's objects, with all of Stripe's test cards, and what a charge does to each."""

from typing import Any

from localstripe import resources as local
from localstripe.errors import UserError

from stripe_sandbox.cards import BY_NAME, Card, of_number
from stripe_sandbox.errors import StripeError, missing

_NUMBER_OF_LOCAL = "4242424242424242"
GOOD_UNTIL_CHARGED = "4000000000000341"
"""Can be kept, and is declined when it is charged (Stripe's documentation of testing)."""


def _of_name(name: str) -> Any:
    """A new payment method for a name of Stripe's documentation: every use of a name makes one."""
    card = BY_NAME.get(name)
    return of_card(card) if card else None


def of_card(card: Card, expires: tuple[int, int] = (12, 2034), billing: dict[str, Any] | None = None) -> Any:
    """A new payment method for a test card. `expires` is month and year."""
    month, year = expires
    details = {"number": _NUMBER_OF_LOCAL, "exp_month": month, "exp_year": year, "cvc": "123"}
    method = local.PaymentMethod(type="card", card=details, billing_details=billing)
    method._card_number = card.number
    method.card |= {
        "brand": card.brand,
        "country": card.country,
        "funding": card.funding,
        "last4": card.number[-4:],
        "fingerprint": local.fingerprint(card.number),
    }
    return method


def install() -> None:
    """Teaches localstripe all test cards (it knows three), and not to decide about charges itself."""
    local.PaymentMethod._try_get_canonical_test_article = staticmethod(_of_name)


def of_data(data: Any, param: str) -> Any:
    """A new payment method from `payment_method_data`, as Stripe.js sends it. Raises for an impossible card."""
    card = data.get("card") if isinstance(data, dict) else None
    if not isinstance(data, dict) or data.get("type") != "card" or not isinstance(card, dict):
        raise StripeError(400, "Only cards are supported here", param=f"{param}[type]")
    number = str(card.get("number", "")).replace(" ", "")
    if not number.isdigit() or not 12 <= len(number) <= 19 or not _luhn(number):
        raise StripeError(
            402, "Your card number is incorrect.", type="card_error", code="incorrect_number", param="number"
        )
    try:
        month, year = int(card["exp_month"]), int(card["exp_year"])
    except (KeyError, TypeError, ValueError):
        raise StripeError(
            402, "Your card's expiration date is invalid.", type="card_error", code="invalid_expiry_month"
        ) from None
    year += 2000 if year < 100 else 0
    if not 1 <= month <= 12 or not 2000 <= year < 2100:
        raise StripeError(402, "Your card's expiration date is invalid.", type="card_error", code="invalid_expiry_year")
    billing = data.get("billing_details")
    return of_card(of_number(number), (month, year), billing if isinstance(billing, dict) else None)


def find(id: str, param: str) -> Any:
    """A payment method by id, or a new one by the name of a test card. Raises when there is none."""
    try:
        return local.PaymentMethod._api_retrieve(id)
    except UserError:
        raise missing("PaymentMethod", id, param) from None


def card_of(method: Any) -> Card:
    """How a payment method behaves."""
    return of_number(method._card_number)


def _luhn(number: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
