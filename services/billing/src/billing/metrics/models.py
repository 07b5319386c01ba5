"""What metrics are read from besides orders and the ledger, and the dashboards that show them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class SubscriptionPhase(Base):
    """A stretch of a subscription's life in which its worth stayed the same, written by a trigger on subscriptions.

    `net_amount` is what a period of it costs less the discount, in minor units. It lasts from `starts_at` until
    `ends_at` (not included); None is the present one. `is_last`: the subscription ended with it.
    """

    __tablename__ = "subscription_phases"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    organization_id: Mapped[UUID]
    subscription_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    product_id: Mapped[UUID]
    net_amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    recurring_interval: Mapped[str]
    recurring_interval_count: Mapped[int]
    seats: Mapped[int | None]
    is_trial: Mapped[bool]
    is_committed: Mapped[bool]
    """Not canceled: it goes on after the period's end."""
    started_at: Mapped[datetime]
    """When the subscription began."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    is_last: Mapped[bool] = mapped_column(default=False, server_default=text("false"))

    __table_args__ = (CheckConstraint("ends_at >= starts_at", name="order"),)


class MetricDashboard(Record, Base):
    """A choice of metrics that a merchant looks at together, in their order."""

    __tablename__ = "metric_dashboards"

    name: Mapped[str]
    metrics: Mapped[list[Any]]


Index(
    "subscription_phases_present_key",
    SubscriptionPhase.subscription_id,
    unique=True,
    postgresql_where=SubscriptionPhase.ends_at.is_(None),
)
Index("subscription_phases_range_idx", SubscriptionPhase.organization_id, SubscriptionPhase.ends_at)
Index(
    "metric_dashboards_list_idx",
    MetricDashboard.organization_id,
    MetricDashboard.created_at.desc(),
    MetricDashboard.id.desc(),
)
