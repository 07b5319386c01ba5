"""What a checkout has to come to so that a card can pay it: nothing, or what Stripe charges in the currency.

Refused where it is asked for, naming the field, so that a buyer never meets a declined card for it. Minimums and steps
are those of `pricing.currencies`. Amounts are integer minor units.
"""

from collections.abc import Sequence

from pricing.currencies import ensure_chargeable, is_known, least, minimum, published_minimum, step, written
from pricing.discounts import amount_off
from servicekit.errors import InvalidInput

from checkout.checkouts.models import Checkout
from checkout.checkouts.schemas import Buyer, CheckoutConfirm
from checkout.discounts.models import Discount
from checkout.products.models import Product


def ensure_amount(amount: int, currency: str) -> None:
    """For an amount that the buyer chose. Raises `InvalidInput` naming it."""
    try:
        ensure_chargeable(amount, currency)
    except ValueError as refusal:
        raise InvalidInput(("body", "amount"), f"Amount {refusal}", "greater_than_equal") from None


def ensure_payable(checkout: Checkout, wish: Buyer) -> None:
    """For what is charged now, discount and tax included. Raises `InvalidInput`.

    What a discount leaves has to reach the currency's minimum; else the discount is named, by the field that the caller
    has for it. A price is refused where Stripe never charges it: prices from before the minimums were enforced are
    sold as long as Stripe takes them.
    """
    if not checkout.needs_payment:
        return
    total, currency = checkout.total_amount, checkout.currency
    field = _field_of_price(checkout)
    if not is_known(currency):
        raise InvalidInput(("body", field), f"{currency.upper()} is not a currency that can be charged")
    if checkout.amount % step(currency):
        raise InvalidInput(("body", field), f"Amounts in {currency.upper()} are multiples of {step(currency)}")
    if checkout.discount_amount and (total < minimum(currency) or checkout.discount_amount % step(currency)):
        left = written(total, currency)
        message = f"The discount leaves {left} to pay: it should leave nothing, or at least {least(currency)}"
        raise InvalidInput(("body", _field_of_discount(wish)), message, "greater_than_equal")
    is_counted = field in ("seats", "units")
    if is_counted and getattr(wish, field) is None and not isinstance(wish, CheckoutConfirm):
        return  # the buyer may order more of them yet
    if total < published_minimum(currency):
        lowest = written(published_minimum(currency), currency)
        message = f"{written(total, currency)} is less than can be charged: at least {lowest}"
        raise InvalidInput(("body", field), message, "greater_than_equal")


def ensure_offerable(products: Sequence[Product], discount: Discount, field: str) -> None:
    """For a discount that is offered with products before anybody buys. Raises `InvalidInput` naming `field`.

    Fixed prices alone are looked at: what others come to depends on the buyer. With a trial nothing is charged at once.
    """
    for product in (one.shape for one in products if one.shape.trial_interval is None):
        for price in product.prices:
            currency, amount = price.price_currency, price.price_amount or 0
            if price.amount_type != "fixed" or not discount.applies_to(product.id, currency):
                continue
            left = amount - amount_off(discount, amount, currency)
            if 0 < left < amount and left < minimum(currency):
                message = f"The discount leaves {written(left, currency)} of {product.name}: at least {least(currency)}"
                raise InvalidInput(("body", field), message, "greater_than_equal")


def _field_of_price(checkout: Checkout) -> str:
    named = {"seat_based": "seats", "unit_based": "units", "custom": "amount"}
    return named.get(checkout.price.amount_type, "product_price_id")


def _field_of_discount(wish: Buyer) -> str:
    """`discount_id` for a seller who did not name a code; a buyer can only type, or take away, a code."""
    has_id = "discount_id" in type(wish).model_fields and getattr(wish, "discount_code", None) is None
    return "discount_id" if has_id else "discount_code"
