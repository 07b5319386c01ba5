"""`python -m billing.commands audit [--organization ID]`: compares, tells how far it is, and names what differs."""

import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from servicekit import clock
from servicekit.database import Database
from servicekit.invariants import Invariant
from sqlalchemy import bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit.checks import Check
from billing.audit.credits import OF_CREDITS
from billing.audit.customers import OF_CUSTOMERS
from billing.audit.events import OF_EVENTS
from billing.audit.ledger import OF_THE_LEDGER
from billing.audit.orders import OF_ORDERS
from billing.customers.models import Customer
from billing.invariants import INVARIANTS
from billing.orders.explain import explained
from billing.orders.models import Order

BATCH = 1000
Say = Callable[[str], object]
PROGRESS_SECONDS = 2.0
_EXPLAINED = Check("amounts follow from what was kept of their making", "", "GET /v1/orders/{}/explain")


@dataclass
class Difference:
    """The first difference that a check found, and how many there are."""

    check: Check
    subject: str
    what: str
    expected: str
    found: str
    count: int = 1

    def lines(self) -> list[str]:
        """As it is printed."""
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        return [
            f"✗ {self.check.name}: {self.what} of {self.subject} should be {self.expected}, is {self.found}{more}",
            f"  → {self.check.look.replace('{}', self.subject)}",
        ]


@dataclass
class Report:
    """What was compared, and what differed, in the order in which it was found."""

    orders: int = 0
    customers: int = 0
    differences: dict[str, Difference] = field(default_factory=dict)

    def add(self, check: Check, subject: Any, what: Any, expected: Any, found: Any) -> None:
        """Notes a difference; of each check the first is kept whole."""
        known = self.differences.get(check.name)
        if known is not None:
            known.count += 1
            return
        self.differences[check.name] = Difference(check, str(subject), str(what), str(expected), str(found))


async def audit(database: Database, organization: UUID | None, *, say: Say = lambda line: None) -> Report:
    """Compares everything (of one organization), as of one instant, in one transaction that only reads."""
    async with database.transaction() as session:
        await session.execute(text("set transaction isolation level repeatable read, read only"))
        await session.execute(text("set local statement_timeout = 0"))
        return await compare(session, organization, say)


async def compare(session: AsyncSession, organization: UUID | None, say: Say) -> Report:
    """`audit` inside of the caller's transaction."""
    report, progress = Report(), _Progress(say)
    total = await _count(session, Order, organization)
    async for ids in _batches(session, Order, organization):
        await _compare(session, report, (*OF_ORDERS, *OF_EVENTS, *OF_CREDITS), organization, ids)
        await _explain(session, report, ids)
        report.orders += len(ids)
        progress.tell(f"{report.orders:,} of {total:,} orders")
    total = await _count(session, Customer, organization)
    async for ids in _batches(session, Customer, organization):
        await _compare(session, report, OF_CUSTOMERS, organization, ids)
        report.customers += len(ids)
        progress.tell(f"{report.customers:,} of {total:,} customers")
    for check in OF_THE_LEDGER:
        progress.tell(check.name)
        await _compare(session, report, (check,), organization, ())
    if organization is None:
        await _invariants(session, report)
    return report


class _Progress:
    """Says how far the work is, every two seconds."""

    def __init__(self, say: Say) -> None:
        self._say, self._last = say, time.monotonic()

    def tell(self, standing: str) -> None:
        if time.monotonic() - self._last >= PROGRESS_SECONDS:
            self._last = time.monotonic()
            self._say(f"· {standing}")


async def _count(session: AsyncSession, model: Any, organization: UUID | None) -> int:
    statement = select(func.count()).select_from(model)
    if organization is not None:
        statement = statement.where(model.organization_id == organization)
    return int((await session.execute(statement)).scalar_one())


async def _batches(session: AsyncSession, model: Any, organization: UUID | None) -> AsyncIterator[list[UUID]]:
    last: UUID | None = None
    while True:
        statement = select(model.id).order_by(model.id).limit(BATCH)
        if organization is not None:
            statement = statement.where(model.organization_id == organization)
        if last is not None:
            statement = statement.where(model.id > last)
        ids = list((await session.execute(statement)).scalars())
        if not ids:
            return
        yield ids
        last = ids[-1]


async def _compare(
    session: AsyncSession,
    report: Report,
    checks: Sequence[Check],
    organization: UUID | None,
    ids: Sequence[UUID],
) -> None:
    for check in checks:
        statement = text(check.differing)
        values: dict[str, Any] = {}
        if ":ids" in check.differing:
            statement = statement.bindparams(bindparam("ids", type_=ARRAY(PG_UUID)))
            values["ids"] = list(ids)
        if ":organization" in check.differing:
            values["organization"] = organization
        for row in await session.execute(statement, values):
            report.add(check, row.subject, row.what, row.expected, row.found)


async def _explain(session: AsyncSession, report: Report, ids: Sequence[UUID]) -> None:
    for order in (await session.execute(select(Order).where(Order.id.in_(ids)).order_by(Order.id))).scalars():
        shown = explained(order)
        for one in (*shown.lines, *shown.tax, *shown.totals):
            if not one.holds:
                report.add(_EXPLAINED, order.id, one.name, one.derived, one.amount)
    session.expunge_all()


async def _invariants(session: AsyncSession, report: Report) -> None:
    """The rules that the database is asked about every two minutes, looked at once more."""
    for invariant in INVARIANTS:
        values = {"now": clock.wall()} if ":now" in invariant.broken_by else {}
        for row in await session.execute(text(f"select * from ({invariant.broken_by}) broken limit 5"), values):
            report.add(_of(invariant), row[0], "it", "as the rule says", "otherwise")


def _of(invariant: Invariant) -> Check:
    return Check(invariant.name, invariant.broken_by, invariant.broken_by.replace("{}", ""))


def say(line: str) -> None:
    """Prints at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
