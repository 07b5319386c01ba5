"""Metrics: the facts that are needed, read one after the other, and what they come to."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from pricing.currencies import major_units
from servicekit.auth import Principal
from servicekit.exports import CSVResponse, csv_table
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.metrics import queries
from billing.metrics.buckets import Buckets
from billing.metrics.definitions import METRICS, Fact, Slug
from billing.metrics.numbers import currencies_of, metrics_of, shown
from billing.metrics.queries import Narrowed, Rows
from billing.metrics.schemas import MetricsResponse, described
from billing.organizations.operations import shape_of

Read = Callable[[AsyncSession, Principal, Narrowed, Buckets], Awaitable[Rows]]
_READ: Mapping[Fact, Read] = {
    Fact.ORDERS: queries.orders,
    Fact.RETURNS: queries.returns,
    Fact.PHASES: queries.phases,
    Fact.PAYERS: queries.payers,
    Fact.CHURN: queries.churn,
    Fact.CANCELLATIONS: queries.cancellations,
    Fact.CHECKOUTS: queries.checkouts,
    Fact.SEATS: queries.seats,
    Fact.SEAT_CUSTOMERS: queries.seat_customers,
}
_ROOM = text("select set_config('work_mem', '64MB', true)")
"""In this transaction a year of sales is grouped without the disk."""
_OF_SUBSCRIPTIONS = {
    Fact.PHASES, Fact.PAYERS, Fact.CHURN, Fact.CANCELLATIONS, Fact.SEATS, Fact.SEAT_CUSTOMERS,
}  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What is asked for: metrics (None: all) over buckets, narrowed, with money in a currency (None: it is chosen)."""

    buckets: Buckets
    zone: str
    narrowed: Narrowed
    slugs: Sequence[Slug] | None = None
    currency: str | None = None


async def get(session: AsyncSession, principal: Principal, wish: Wish) -> MetricsResponse:
    """The metrics, in a statement for each kind of fact that they need.

    Currencies are never added up. Money is that of the currency asked for; else of the only one there is; else of the
    organization's own. What is left out is named.
    """
    slugs = list(dict.fromkeys(wish.slugs)) if wish.slugs is not None else list(Slug)
    needed = {fact for slug in slugs for fact in METRICS[slug].needs}
    facts: dict[Fact, Rows] = {}
    await session.execute(_ROOM)
    for fact, read in _READ.items():
        if fact in needed:
            has_none = wish.narrowed.is_recurring is False and fact in _OF_SUBSCRIPTIONS
            facts[fact] = [] if has_none else await read(session, principal, wish.narrowed, wish.buckets)
    found = currencies_of(facts)
    currency = wish.currency or (found.copy().pop() if len(found) == 1 else await _own_currency(session, principal))
    series = metrics_of(facts, len(wish.buckets), currency)
    chosen = [slug for slug in slugs if slug in series]
    return MetricsResponse.model_validate(
        {
            "periods": [
                {
                    "timestamp": start,
                    **{slug.value: shown(series[slug].values[number], METRICS[slug].unit) for slug in chosen},
                }
                for number, start in enumerate(wish.buckets.starts)
            ],
            "totals": {slug.value: shown(series[slug].total, METRICS[slug].unit) for slug in chosen},
            "metrics": described(chosen),
            "currency": currency,
            "other_currencies": sorted(found - {currency}),
        }
    )


async def export(session: AsyncSession, principal: Principal, wish: Wish) -> CSVResponse:
    """The same as a table: a line for each bucket, money in major units (29.00), instants as they are in its zone."""
    answer = await get(session, principal, wish)
    shown_metrics = answer.metrics.model_dump(exclude_unset=True)
    lines = []
    for period in answer.periods:
        values = period.model_dump()
        cells = [
            major_units(values[name], answer.currency) if metric["type"] == "currency" else values[name]
            for name, metric in shown_metrics.items()
        ]
        lines.append([values["timestamp"], answer.currency, *cells])
    header = ["timestamp", "currency", *shown_metrics]
    return csv_table(header, lines, filename="metrics.csv", zone=wish.zone)


async def _own_currency(session: AsyncSession, principal: Principal) -> str:
    organization = await shape_of(session, min(principal.organization_ids))
    return str(organization.get("default_presentment_currency") or "usd")
