"""Reading meters, and counting with them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from sys import float_info
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import MetadataFilter, Page, Sorting, fetch_page, metadata_matches, text_matches
from sqlalchemy import ColumnElement, Select, Text, cast, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from metering.events.models import Event
from metering.events.queries import of_customers
from metering.meters.filters import matches, number_at, value_at
from metering.meters.models import Meter
from metering.meters.schemas import MeterQuantities, MeterQuantity

COLUMNS: dict[str, Any] = {"created_at": Meter.created_at, "name": Meter.name}
_PERIODS = text("""
    select p at time zone :zone from generate_series(
        date_trunc(:step, cast(:start as timestamptz) at time zone :zone),
        cast(:until as timestamptz) at time zone :zone, cast('1 ' || :step as interval)
    ) as p where p at time zone :zone < :until
""")
_HOURS = text("""
    select distinct date_trunc('hour', p, :zone) as hour from generate_series(
        date_trunc('hour', cast(:start as timestamptz), :zone), cast(:until as timestamptz), interval '30 minutes'
    ) as p where date_trunc('hour', p, :zone) < :until order by 1
""")
"""Hours are of instants, as events are counted: an hour of the clock is missing, or there twice, when it is changed."""


@dataclass(frozen=True)
class Period:
    """From `start` to `until` (not included), in steps of an hour, day, week, month or year of a time zone."""

    start: datetime
    until: datetime
    step: str
    zone: str


@dataclass(frozen=True)
class Counted:
    """Whose events are counted; None is everybody's."""

    customer_id: Sequence[UUID] | None = None
    external_customer_id: Sequence[str] | None = None
    metadata: MetadataFilter = field(default_factory=dict)
    per_customer: str | None = None
    """The function over what was counted for each customer; None counts all of them together."""


async def list_meters(
    session: AsyncSession,
    principal: Principal,
    organization_id: Sequence[UUID] | None,
    query: str | None,
    is_archived: bool | None,
    metadata: MetadataFilter,
    page: Page,
    sorting: Sorting,
) -> tuple[list[Meter], int]:
    """A page of the caller's meters."""
    statement = select(Meter).where(owned_by(principal, Meter))
    if organization_id is not None:
        statement = statement.where(Meter.organization_id.in_(organization_id))
    if query:
        statement = statement.where(text_matches(query, Meter.name))
    if is_archived is not None:
        archived = Meter.archived_at.is_not(None)
        statement = statement.where(archived if is_archived else ~archived)
    statement = statement.where(*metadata_matches(Meter.user_metadata, metadata))
    return await fetch_page(session, statement, page, sorting.clauses(COLUMNS, Meter.id))


async def find(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> Meter | None:
    """A meter of the caller, locked for a change when asked."""
    statement = select(Meter).where(owned_by(principal, Meter), Meter.id == id)
    return (await session.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()


async def quantities(
    session: AsyncSession, principal: Principal, meter: Meter, counted: Counted, period: Period
) -> MeterQuantities:
    """What a meter counts, by period and in all, in three statements."""
    step = func.date_trunc(literal(period.step), Event.timestamp, literal(period.zone)).label("step")
    rows = await session.execute(_counting(principal, meter, counted, period, step))
    by_step = {row.step: _shown(row.quantity) for row in rows}
    total = (await session.execute(_counting(principal, meter, counted, period, None))).scalar_one()
    steps = {"start": period.start, "until": period.until, "zone": period.zone}
    wanted = (_HOURS, steps) if period.step == "hour" else (_PERIODS, {**steps, "step": period.step})
    periods = (await session.execute(*wanted)).scalars()
    shown = [MeterQuantity(timestamp=at, quantity=by_step.get(at, 0.0)) for at in periods]
    return MeterQuantities(quantities=shown, total=_shown(total))


def _shown(quantity: Decimal | int | None) -> float:
    """As JSON has numbers; what is greater than any of them is the greatest."""
    return max(-float_info.max, min(float(quantity or 0), float_info.max))


def _counting(
    principal: Principal, meter: Meter, counted: Counted, period: Period, step: ColumnElement[Any] | None
) -> Select[Any]:
    conditions = [
        owned_by(principal, Event),
        Event.organization_id == meter.organization_id,
        Event.timestamp >= period.start,
        Event.timestamp < period.until,
        matches(meter.rule),
        *of_customers(principal, counted.customer_id, counted.external_customer_id),
        *metadata_matches(Event.user_metadata, counted.metadata),
    ]
    aggregated = _aggregate(meter).label("quantity")
    groups = [] if step is None else [step]
    if counted.per_customer is None:
        return select(*groups, aggregated).where(*conditions).group_by(*groups)
    whose = func.coalesce(Event.external_customer_id, cast(Event.customer_id, Text))
    each = select(*groups, aggregated).where(*conditions).group_by(*groups, whose).subquery()
    values = each.c.quantity
    over = func.count(values.distinct()) if counted.per_customer == "unique" else _over(counted.per_customer, values)
    columns = [] if step is None else [each.c.step]
    return select(*columns, over.label("quantity")).group_by(*columns)


def _aggregate(meter: Meter) -> ColumnElement[Any]:
    kind, property = meter.aggregation["func"], meter.aggregation.get("property", "")
    if kind == "count":
        return func.count()
    if kind == "unique":
        return func.count(value_at(property).distinct())
    return _over(kind, number_at(property))


def _over(function: str, values: ColumnElement[Any]) -> ColumnElement[Any]:
    aggregated: ColumnElement[Any] = getattr(func, function)(values)
    return aggregated
