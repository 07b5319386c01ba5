"""Whether a change makes a later period cost more, also once a discount for a limited time is over: pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pricing.discounts import Snapshot, amount_off

from billing.subscriptions import discounts
from billing.subscriptions.models import Subscription, next_period_end


@dataclass(frozen=True)
class Course:
    """What periods cost one after another: `amount` minor units of `currency`, less `discount` while it lasts.

    The discount is a public shape, None where none covers the product. Its time began at `first_applied_at`; where that
    is None it begins with the period of `pending_from`.
    """

    amount: int
    currency: str
    discount: dict[str, Any] | None
    first_applied_at: datetime | None
    pending_from: datetime

    def cost(self, start: datetime) -> int:
        """What a period that begins then costs, the discount taken off, in minor units."""
        first = self.first_applied_at
        if first is None and start > self.pending_from:
            first = self.pending_from
        terms = self.discount if discounts.applies(self.discount, first, start) else None
        return self.amount - amount_off(Snapshot.of(terms), self.amount, self.currency)

    @property
    def ends_at(self) -> datetime | None:
        """When a discount for some months is over; None for others."""
        terms = self.discount
        return discounts.ends_at(terms, self.first_applied_at or self.pending_from) if terms is not None else None


def course(
    subscription: Subscription,
    terms: dict[str, Any],
    discount: dict[str, Any] | None,
    first_applied_at: datetime | None,
    pending_from: datetime,
) -> Course:
    """With new terms (`product` and `amount`, where they are not None) in the place of the subscription's."""
    product = terms.get("product") or subscription.product_data
    amount = terms["amount"] if terms.get("amount") is not None else subscription.amount
    covering = discount if discounts.covers(discount, str(product["id"]), subscription.currency) else None
    return Course(amount, subscription.currency, covering, first_applied_at, pending_from)


def present(subscription: Subscription, terms: dict[str, Any] | None = None) -> Course:
    """Without a change of the discount."""
    data, first = subscription.discount_data, subscription.discount_applied_at
    return course(subscription, terms or {}, data, first, subscription.current_period_end)


def dearest(before: Course, after: Course, begins_at: datetime, interval: str, count: int) -> int:
    """The most that a period costs, of those from `begins_at` on that cost more than before; 0 where none does.

    Looked at are the first two, and the first after the end of each discount: the cost changes at no other.
    """
    second = start = next_period_end(begins_at, interval, count, begins_at.day)
    starts = [begins_at, second]
    for end in sorted(end for end in (before.ends_at, after.ends_at) if end is not None):
        while start < end:
            start = next_period_end(start, interval, count, begins_at.day)
        starts.append(start)
    return max((after.cost(at) for at in starts if after.cost(at) > before.cost(at)), default=0)
