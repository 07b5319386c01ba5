"""Subscriptions: recurring agreements, their periods and their end."""

import calendar
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from pricing.discounts import Snapshot, amount_off
from servicekit.clock import rfc3339
from servicekit.database import Record
from servicekit.errors import InvalidInput, NotPermitted
from sqlalchemy import BigInteger, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base

ACTIVE = ("trialing", "active")
BILLABLE = (*ACTIVE, "past_due")
"""What is renewed when its period is over."""


class AlreadyCanceledSubscription(NotPermitted):
    """The subscription was canceled already, or has ended."""


def next_period_end(start: datetime, interval: str, count: int, anchor_day: int) -> datetime:
    """Where a period of `count` intervals ends that begins at `start`.

    Months and years end on the anchor day, or on the month's last day where it has no such day, and come back to the
    anchor after that: 31 January, 28 February, 31 March (Polar's rule). Days and weeks are of 24 hours in UTC.
    """
    if interval == "day":
        return start + timedelta(days=count)
    if interval == "week":
        return start + timedelta(weeks=count)
    months = start.year * 12 + start.month - 1 + count * (12 if interval == "year" else 1)
    year, month = months // 12, months % 12 + 1
    return start.replace(year=year, month=month, day=min(anchor_day, calendar.monthrange(year, month)[1]))


class Subscription(Record, Base):
    """A recurring agreement. `amount` is what a period costs, in minor units of `currency`, discounts not taken off.

    trialing → active ⇄ past_due (a renewal was not paid) → unpaid, or canceled; active → paused → active. While
    `cancel_at_period_end` it goes on until `ends_at`.
    """

    __tablename__ = "subscriptions"
    is_shown_to_members: ClassVar[bool] = True

    status: Mapped[str]
    customer_id: Mapped[UUID]
    product_id: Mapped[UUID]
    price_id: Mapped[UUID]
    discount_id: Mapped[UUID | None]
    checkout_id: Mapped[UUID | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    tax_behavior: Mapped[str | None]
    """As it was when the subscription began, whatever its price says later; None while no address was known."""
    seats: Mapped[int | None]
    units: Mapped[int | None]
    recurring_interval: Mapped[str]
    recurring_interval_count: Mapped[int]
    anchor_day: Mapped[int]
    started_at: Mapped[datetime]
    current_period_start: Mapped[datetime]
    current_period_end: Mapped[datetime]
    cancel_at_period_end: Mapped[bool] = mapped_column(default=False)
    canceled_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    trial_start: Mapped[datetime | None]
    trial_end: Mapped[datetime | None]
    past_due_at: Mapped[datetime | None]
    pause_at_period_end: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    paused_at: Mapped[datetime | None]
    resumes_at: Mapped[datetime | None]
    payment_method_id: Mapped[UUID | None]
    """The card that pays for it, and no other: that of its checkout, or one that its customer or the seller chose."""
    pending_update: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What the next renewal changes first."""
    discount_applied_at: Mapped[datetime | None]
    """When its discount first took something off: repeating ones count calendar months from there."""
    reminded_for: Mapped[datetime | None]
    """The end of the period, or trial, that the customer was last reminded of."""
    customer_cancellation_reason: Mapped[str | None]
    customer_cancellation_comment: Mapped[str | None]
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    custom_field_data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    product_data: Mapped[dict[str, Any]]
    price_data: Mapped[dict[str, Any]]
    discount_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    period_discount_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What the present period was billed with: one that was given or taken away since counts from the next."""
    set_aside_discount_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The discount of the period that does not cover the present product, and the period's start, for the way back."""
    open_change_id: Mapped[UUID | None]
    """The change that waits for its payment: until then nothing else changes, and it is not renewed."""

    @property
    def net_amount(self) -> int:
        """What a period costs less the discount, in minor units; shares are rounded half away from zero."""
        return self.amount - amount_off(Snapshot.of(self.discount_data), self.amount, self.currency)

    def ensure_paused_before(self, period_end: datetime, field: str) -> None:
        """For a present period that shall end at `period_end`: a planned pause has to begin before it is over.

        Raises `InvalidInput` naming the `field` of the body that moves the end.
        """
        if self.resumes_at is not None and self.resumes_at <= period_end:
            when = f"The period would end at {rfc3339(period_end)}"
            raise InvalidInput(
                ("body", field), f"{when}, after resumes_at ({rfc3339(self.resumes_at)}) of the planned pause"
            )

    def cancel(self, now: datetime) -> None:
        """It ends with the present period. Raises `AlreadyCanceledSubscription`."""
        if self.ended_at is not None or self.cancel_at_period_end:
            raise AlreadyCanceledSubscription("This subscription is already canceled, or it ends at the period's end")
        self.cancel_at_period_end = True
        self.pause_at_period_end, self.resumes_at = False, None
        self.canceled_at = self.modified_at = now
        self.ends_at = self.current_period_end

    def uncancel(self, now: datetime) -> None:
        """The cancellation is taken back. Raises `AlreadyCanceledSubscription` once it has ended."""
        if self.ended_at is not None:
            raise AlreadyCanceledSubscription("This subscription has ended")
        self.cancel_at_period_end = False
        self.canceled_at = self.ends_at = None
        self.customer_cancellation_reason = self.customer_cancellation_comment = None
        self.modified_at = now

    def renew(self, end: datetime | None = None) -> None:
        """The next period begins where the present one ends; a trial becomes paid time. `end` overrides the rule.

        The caller says what changed with it, and bills the period.
        """
        start = self.current_period_end
        if self.status == "trialing":
            self.status = "active"
            self.anchor_day = start.day
        self.current_period_start = start
        self.current_period_end = end or next_period_end(
            start, self.recurring_interval, self.recurring_interval_count, self.anchor_day
        )

    def fall_past_due(self, now: datetime) -> bool:
        """A renewal was not paid. Returns whether it was not past due before; what has ended stays ended."""
        if self.status not in ACTIVE:
            return False
        self.status = "past_due"
        self.past_due_at = self.modified_at = now
        return True

    def recover(self, now: datetime) -> bool:
        """What it owed is paid. Returns whether it was past due."""
        if self.status != "past_due":
            return False
        self.status = "active"
        self.past_due_at = None
        self.modified_at = now
        return True

    def end(self, now: datetime, status: str = "canceled") -> None:
        """It ends now: `canceled`, or `unpaid` after dunning. Raises `AlreadyCanceledSubscription`."""
        if self.ended_at is not None:
            raise AlreadyCanceledSubscription("This subscription has ended already")
        self.status = status
        self.pause_at_period_end = False
        self.resumes_at = self.pending_update = self.open_change_id = None
        self.canceled_at = self.canceled_at or now
        self.ends_at = self.ended_at = self.modified_at = now


Index("subscriptions_list_idx", Subscription.organization_id, Subscription.created_at.desc(), Subscription.id.desc())
Index("subscriptions_customer_idx", Subscription.customer_id)
Index(
    "subscriptions_renewal_idx",
    Subscription.current_period_end,
    postgresql_where=Subscription.status.in_(BILLABLE),
)
Index(
    "subscriptions_ending_idx",
    Subscription.current_period_end,
    postgresql_where=Subscription.cancel_at_period_end & Subscription.ended_at.is_(None),
)
Index("subscriptions_pausing_idx", Subscription.current_period_end, postgresql_where=Subscription.pause_at_period_end)
Index("subscriptions_resuming_idx", Subscription.resumes_at, postgresql_where=Subscription.status == "paused")
