"""How much of an order a withdrawal gives back."""

from datetime import datetime
from fractions import Fraction

from pricing.amounts import rounded
from pricing.currencies import step

from billing.orders.models import Order
from billing.subscriptions.proration import Period


def given_back(order: Order, requested_at: datetime, *, is_pro_rata: bool) -> int:
    """What is refunded of an order before tax, in minor units; never more than may be refunded of it.

    All of it (Directive 2011/83/EU, art. 13(1)); where the consumer asked for the service to begin at once, the part
    for the time after the declaration (art. 14(3)): each line by what is left of its period, the order rounded once,
    half away from zero. What was refunded before counts towards it.
    """
    left = order.refundable_amount
    if not is_pro_rata or not left:
        return left
    wanted = rounded(order.net_amount * share_left(order, requested_at))
    owed = min(left, max(0, wanted - order.refunded_amount))
    return owed if owed == left else owed - owed % step(order.currency)


def share_left(order: Order, at: datetime) -> Fraction:
    """Which share of an order's price is for the time after an instant; a line without a period is for no time."""
    whole = left = Fraction(0)
    for item in order.items:
        price = item.amount - item.discount_amount
        whole += price
        if item.start_timestamp is None or item.end_timestamp is None:
            left += price
        else:
            left += price * Period(item.start_timestamp, item.end_timestamp).share_left(at)
    return min(max(left / whole, Fraction(0)), Fraction(1)) if whole > 0 else Fraction(0)
