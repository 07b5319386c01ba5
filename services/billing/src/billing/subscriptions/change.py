"""Changes of a subscription's terms: what was wished, what it waits for, and the terms that it brings.

A change is written before any money moves. The terms are those of the moment at which it was wished: neither a renewal
nor a call-back reads prices again.
"""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit import clock
from servicekit.database import Record
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base
from billing.subscriptions import discounts
from billing.subscriptions.models import Subscription

WAITING = ("open", "scheduled")


@dataclass(frozen=True, kw_only=True)
class NewTerms:
    """What a change sets on the subscription. What is None stays; amounts are in minor units."""

    product: dict[str, Any] | None = None
    """Product and price are their public shapes."""
    price: dict[str, Any] | None = None
    amount: int | None = None
    seats: int | None = None
    units: int | None = None
    discount: dict[str, Any] | None = None
    sets_discount: bool = False
    """Whether `discount` (or None: none) comes with the change, and reduces what is left of the period already."""
    metadata: dict[str, Any] | None = None
    status: str | None = None
    trial_end: datetime | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    """With a start, a new period begins, and its day is the anchor from now on."""
    asked: list[str] | None = None
    """Which of product, seats and units the change sets by itself; the others follow. None in earlier releases."""

    def to_json(self) -> dict[str, Any]:
        """As the table keeps it: instants in RFC 3339."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
            if value is not None
        }

    @classmethod
    def of(cls, data: dict[str, Any]) -> "NewTerms":
        """Out of the table."""
        known = {field.name for field in fields(cls)}
        kept: dict[str, Any] = {name: value for name, value in data.items() if name in known}
        for name in ("trial_end", "period_start", "period_end"):
            if name in kept:
                kept[name] = datetime.fromisoformat(kept[name])
        return cls(**kept)

    def set_on(self, subscription: Subscription) -> None:
        """Gives the subscription these terms."""
        if self.product is not None:
            product = self.product
            subscription.product_id, subscription.product_data = UUID(str(product["id"])), product
            subscription.recurring_interval = product["recurring_interval"]
            subscription.recurring_interval_count = product["recurring_interval_count"] or 1
        if self.price is not None:
            subscription.price_id, subscription.price_data = UUID(str(self.price["id"])), self.price
        if self.amount is not None:
            subscription.amount = self.amount
        if self.seats is not None:
            subscription.seats = self.seats
        if self.units is not None:
            subscription.units = self.units
        if self.metadata is not None:
            subscription.user_metadata = self.metadata
        if self.trial_end is not None:
            subscription.trial_end = self.trial_end
        if self.status is not None:
            subscription.status = self.status
        if self.period_start is not None:
            subscription.current_period_start = self.period_start
            subscription.anchor_day = self.period_start.day
        if self.period_end is not None:
            subscription.current_period_end = self.period_end
        self._set_discount(subscription)

    def _set_discount(self, subscription: Subscription) -> None:
        if self.sets_discount:
            discounts.give(subscription, self.discount)
        if self.period_start is not None:
            discounts.begin_period(subscription)
        elif self.sets_discount and subscription.status != "trialing":
            discounts.bill_with(subscription, subscription.discount_data)
        else:
            discounts.follow_product(subscription)


class SubscriptionChange(Record, Base):
    """One change. `open` (its order is being paid) → applied, failed; `scheduled` → applied, superseded.

    `kind` is product, seats, units, trial_end or resume; `behavior` one of invoice, prorate, next_period and reset.
    At most one of a subscription is open, and one scheduled (the database refuses the second).
    """

    __tablename__ = "subscription_changes"

    subscription_id: Mapped[UUID]
    kind: Mapped[str]
    behavior: Mapped[str]
    status: Mapped[str]
    applies_at: Mapped[datetime]
    order_id: Mapped[UUID | None] = mapped_column(unique=True)
    terms: Mapped[dict[str, Any]]

    @property
    def new_terms(self) -> NewTerms:
        """What it sets on the subscription."""
        return NewTerms.of(self.terms)

    def shape(self) -> dict[str, Any]:
        """The public shape of one that is scheduled (Polar's `PendingSubscriptionUpdate`), as JSON."""
        terms = self.new_terms
        return {
            "id": str(self.id),
            "created_at": clock.rfc3339(self.created_at),
            "modified_at": clock.rfc3339(self.modified_at) if self.modified_at else None,
            "applies_at": clock.rfc3339(self.applies_at),
            "product_id": str(terms.product["id"]) if terms.product else None,
            "seats": terms.seats,
            "units": terms.units,
        }


Index(
    "subscription_changes_waiting_key",
    SubscriptionChange.subscription_id,
    SubscriptionChange.status,
    unique=True,
    postgresql_where=SubscriptionChange.status.in_(WAITING),
)
