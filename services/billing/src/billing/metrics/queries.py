"""The facts behind metrics: one statement each, whatever the number of buckets, on an index by organization and time.

An instant's bucket is found by PostgreSQL among the buckets' ends (`width_bucket`), so that calendar and time zone are
reckoned once, outside. What lasts (a subscription, a customer who has one) is told as changes: so many more from a
bucket on, so many less; running sums of them are what there is at each bucket's end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Integer,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    values,
)
from sqlalchemy.ext.asyncio import AsyncSession

from billing.checkouts.models import Checkout
from billing.ledger.models import LedgerEntry, LedgerTransaction
from billing.metrics.buckets import Buckets
from billing.metrics.models import SubscriptionPhase as Phase
from billing.orders.models import Order
from billing.payments.models import Payment
from billing.subscriptions.models import Subscription

CHURN_WINDOW = timedelta(days=30)
"""Of the subscriptions that were active so long before a bucket's end, the churn rate is the share that has ended."""


class Churn(IntEnum):
    """What a row of `churn` counts."""

    ENDED = 0
    BASE = 1
    LOST = 2


_INSTANTS = ARRAY(DateTime(timezone=True))
Rows = Sequence[Any]


@dataclass(frozen=True)
class Narrowed:
    """Whose facts are counted; None is everybody's."""

    organization_id: Sequence[UUID] | None = None
    product_id: Sequence[UUID] | None = None
    customer_id: Sequence[UUID] | None = None
    is_recurring: bool | None = None
    """Only subscriptions and what was paid for them, or only what was bought once."""

    def of(self, model: Any) -> list[ColumnElement[bool]]:
        """The conditions on a table that has the three columns."""
        return [
            getattr(model, name).in_(wanted)
            for name in ("organization_id", "product_id", "customer_id")
            if (wanted := getattr(self, name)) is not None
        ]


def _bucket(instant: Any, buckets: Buckets) -> ColumnElement[int]:
    """The number of the first bucket that ends after an instant; as many as there are buckets when none does."""
    return func.width_bucket(instant, cast(literal(list(buckets.ends), _INSTANTS), _INSTANTS), type_=Integer)


def _inside(instant: Any, buckets: Buckets) -> ColumnElement[bool]:
    return and_(instant >= buckets.begin, instant < buckets.end)


async def _rows(session: AsyncSession, statement: Any) -> Rows:
    found: Rows = (await session.execute(statement)).all()
    return found


def _of_order(narrowed: Narrowed) -> list[ColumnElement[bool]]:
    conditions = narrowed.of(Order)
    if narrowed.is_recurring is not None:
        is_once = Order.subscription_id.is_(None)
        conditions.append(~is_once if narrowed.is_recurring else is_once)
    return conditions


async def orders(session: AsyncSession, principal: Principal, narrowed: Narrowed, buckets: Buckets) -> Rows:
    """Paid orders by the bucket of their payment: `number`, `currency`, `reason`, `count`, `revenue` and `net`.

    `revenue` is before fees and tax, `net` less the fees of platform and processor; both in minor units.
    """
    number = _bucket(Order.paid_at, buckets).label("number")
    fees = Order.platform_fee_amount + func.coalesce(Payment.processor_fee_amount, 0)
    statement = (
        select(
            number,
            Order.currency,
            Order.billing_reason.label("reason"),
            func.count().label("count"),
            func.sum(Order.net_amount).label("revenue"),
            func.sum(Order.net_amount - fees).label("net"),
        )
        .outerjoin(
            Payment,
            and_(Payment.order_id == Order.id, Payment.status == "succeeded", owned_by(principal, Payment)),
        )
        .where(owned_by(principal, Order), _inside(Order.paid_at, buckets), *_of_order(narrowed))
        .group_by(number, Order.currency, Order.billing_reason)
    )
    return await _rows(session, statement)


async def returns(session: AsyncSession, principal: Principal, narrowed: Narrowed, buckets: Buckets) -> Rows:
    """What refunds and disputes changed of the net revenue, out of the ledger: `number`, `currency`, `reason`, `net`.

    In minor units, negative where money was given back; it counts when it moved, not when the order was paid.
    """
    number = _bucket(LedgerTransaction.occurred_at, buckets).label("number")
    statement = (
        select(
            number,
            LedgerEntry.currency,
            Order.billing_reason.label("reason"),
            (-func.sum(LedgerEntry.amount)).label("net"),
        )
        .select_from(LedgerTransaction)
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .join(Order, Order.id == LedgerTransaction.order_id)
        .where(
            owned_by(principal, LedgerTransaction),
            or_(LedgerTransaction.refund_id.is_not(None), LedgerTransaction.dispute_id.is_not(None)),
            LedgerEntry.account.in_(("merchant_balance", "processor_fees")),
            _inside(LedgerTransaction.occurred_at, buckets),
            *_of_order(narrowed),
        )
        .group_by(number, LedgerEntry.currency, Order.billing_reason)
    )
    return await _rows(session, statement)


def _lasting(principal: Principal, narrowed: Narrowed, buckets: Buckets, *columns: Any, where: Any = True) -> Any:
    """Phases that last at some bucket's end: from the end of number `first` to before that of number `until`.

    `first` is -1 for those that began before the range. Those that begin and end between two ends are among them, and
    come to nothing: their `first` is their `until`.
    """
    first = case((Phase.starts_at < buckets.begin, -1), else_=_bucket(Phase.starts_at, buckets))
    until = func.coalesce(_bucket(Phase.ends_at, buckets), literal(len(buckets)))
    found = select(first.label("first"), until.label("until"), *columns).where(
        owned_by(principal, Phase),
        Phase.starts_at < buckets.end,
        or_(Phase.ends_at.is_(None), Phase.ends_at >= buckets.begin),
        *narrowed.of(Phase),
        where,
    )
    return found.subquery("lasting")


async def phases(session: AsyncSession, principal: Principal, narrowed: Narrowed, buckets: Buckets) -> Rows:
    """Subscriptions as changes: so many (`count`) with a net amount a period (`amount`) more from `number` on.

    By `currency`, `recurring_interval` and `recurring_interval_count`, `is_trial` and `is_committed`.
    """
    terms = (Phase.currency, Phase.recurring_interval, Phase.recurring_interval_count)
    kinds = (Phase.is_trial, Phase.is_committed)
    lasting = _lasting(principal, narrowed, buckets, Phase.net_amount, *terms, *kinds)
    same = [lasting.c[column.name] for column in (*terms, *kinds)]
    whole = select(
        lasting.c.first,
        lasting.c.until,
        *same,
        func.count().label("count"),
        func.sum(lasting.c.net_amount).label("amount"),
    ).group_by(lasting.c.first, lasting.c.until, *same)
    return await _changes(session, whole.subquery(), [column.name for column in same])


async def payers(session: AsyncSession, principal: Principal, narrowed: Narrowed, buckets: Buckets) -> Rows:
    """Customers with a subscription that is not in its trial, each once, as changes by `currency`."""
    whose = (Phase.customer_id, Phase.currency)
    lasting = _lasting(principal, narrowed, buckets, *whose, where=~Phase.is_trial)
    return await _changes(session, _merged(lasting, "currency").subquery(), ["currency"])


async def seats(session: AsyncSession, principal: Principal, narrowed: Narrowed, buckets: Buckets) -> Rows:
    """Seats of subscriptions as changes: so many (`amount`) more from `number` on."""
    lasting = _lasting(principal, narrowed, buckets, Phase.seats, where=Phase.seats.is_not(None))
    total = func.sum(lasting.c.seats).label("amount")
    whole = select(lasting.c.first, lasting.c.until, func.count().label("count"), total)
    return await _changes(session, whole.group_by(lasting.c.first, lasting.c.until).subquery(), [])


async def seat_customers(session: AsyncSession, principal: Principal, narrowed: Narrowed, buckets: Buckets) -> Rows:
    """Customers with a subscription that has seats: from bucket `first` to before `until`, so many (`count`).

    `first` is -1 for those who had one before the range.
    """
    lasting = _lasting(principal, narrowed, buckets, Phase.customer_id, where=Phase.seats.is_not(None))
    return await _rows(session, _merged(lasting))


def _merged(lasting: Any, *by: str) -> Any:
    """Customers who have something, each counted once however much it is: stretches that meet are one."""
    same = [lasting.c[name] for name in by]
    ranges = func.range_agg(func.int4range(lasting.c.first, lasting.c.until))
    whole = select(*same, func.unnest(ranges).label("stretch")).group_by(lasting.c.customer_id, *same).subquery()
    first, until = func.lower(whole.c.stretch).label("first"), func.upper(whole.c.stretch).label("until")
    alike = [first, until, *(whole.c[name] for name in by)]
    return select(*alike, func.count().label("count"), literal(0).label("amount")).group_by(*alike)


async def _changes(session: AsyncSession, whole: Any, by: Sequence[str]) -> Rows:
    """Stretches with a `count` and an `amount` as changes: both more from `first` on, and less again from `until`."""
    number, sign = column("number", Integer), column("sign", Integer)
    turns = values(number, sign, name="turn").data(
        [(func.greatest(whole.c.first, 0), literal(1)), (whole.c.until, literal(-1))]
    ).lateral()  # fmt: skip
    alike = [turns.c.number, *(whole.c[name] for name in by)]
    count, amount = (func.sum(whole.c[name] * turns.c.sign).label(name) for name in ("count", "amount"))
    statement = select(*alike, count, amount).select_from(whole).join(turns, literal(True)).group_by(*alike)
    return await _rows(session, statement)


async def churn(session: AsyncSession, principal: Principal, narrowed: Narrowed, buckets: Buckets) -> Rows:
    """Subscriptions that ended (`count`, by the bucket `number` in which they did), and what the churn rate is made of.

    `kind` is one of `Churn`. `BASE` and `LOST` are changes: of those that had been active `CHURN_WINDOW` before a
    bucket's end, and of those among them that have ended since.
    """
    joined = Phase.started_at + CHURN_WINDOW
    has_ended = Phase.ends_at.is_not(None)
    turns_of = [
        _bucket(joined, buckets).label("joined"),
        _bucket(Phase.ends_at + CHURN_WINDOW, buckets).label("left"),
        case((has_ended, _bucket(func.greatest(Phase.ends_at, joined), buckets))).label("lost"),
        case((Phase.ends_at >= buckets.begin, _bucket(Phase.ends_at, buckets))).label("ended"),
    ]
    alike = (
        select(*turns_of, func.count().label("count"))
        .where(
            owned_by(principal, Phase),
            Phase.started_at < buckets.end,
            or_(Phase.ends_at.is_(None), and_(Phase.is_last, Phase.ends_at >= buckets.begin - CHURN_WINDOW)),
            *narrowed.of(Phase),
        )
        .group_by(*turns_of)
        .subquery()
    )
    kind, number, sign = column("kind", Integer), column("number", Integer), column("sign", Integer)
    told = [
        (Churn.ENDED, alike.c.ended, 1),
        (Churn.BASE, alike.c.joined, 1),
        (Churn.BASE, alike.c.left, -1),
        (Churn.LOST, alike.c.lost, 1),
        (Churn.LOST, alike.c.left, -1),
    ]
    data = [(literal(int(what)), at, literal(change)) for what, at, change in told]
    turns = values(kind, number, sign, name="turn").data(data).lateral()
    statement = (
        select(turns.c.kind, turns.c.number, func.sum(alike.c.count * turns.c.sign).label("count"))
        .select_from(alike)
        .join(turns, turns.c.number < len(buckets))
        .group_by(turns.c.kind, turns.c.number)
    )
    return await _rows(session, statement)


async def cancellations(session: AsyncSession, principal: Principal, narrowed: Narrowed, buckets: Buckets) -> Rows:
    """Subscriptions by the bucket in which they were canceled, unless that was taken back: `number`, `reason`, `count`.

    A reason is None where none was given.
    """
    number = _bucket(Subscription.canceled_at, buckets).label("number")
    reason = Subscription.customer_cancellation_reason.label("reason")
    statement = (
        select(number, reason, func.count().label("count"))
        .where(owned_by(principal, Subscription), _inside(Subscription.canceled_at, buckets))
        .where(*narrowed.of(Subscription))
        .group_by(number, reason)
    )
    return await _rows(session, statement)


async def checkouts(session: AsyncSession, principal: Principal, narrowed: Narrowed, buckets: Buckets) -> Rows:
    """Checkouts by the bucket in which they were opened: `number`, `count`, and how many `succeeded` until now."""
    number = _bucket(Checkout.created_at, buckets).label("number")
    statement = (
        select(number, func.count().label("count"), func.count().filter(Checkout.is_succeeded).label("succeeded"))
        .where(owned_by(principal, Checkout), _inside(Checkout.created_at, buckets), *narrowed.of(Checkout))
        .group_by(number)
    )
    if narrowed.is_recurring is not None:
        statement = statement.where(Checkout.is_recurring.is_(narrowed.is_recurring))
    return await _rows(session, statement)
