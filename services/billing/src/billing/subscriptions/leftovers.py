"""What an earlier release left waiting on subscriptions that are over, and its repair.

Up to 6270c0c a subscription that ended with its period kept the entries that waited: nobody billed or credited them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from servicekit import clock
from servicekit.database import Sessions
from servicekit.outside import asking
from sqlalchemy import func, select

from billing.customers import queries as customers
from billing.orders.models import BillingEntry
from billing.subscriptions import entries
from billing.subscriptions.models import Subscription
from billing.subscriptions.orders import bill_rest, surroundings

PAGE = 100


@dataclass(frozen=True)
class Leftover:
    """Entries that wait on a subscription that is over; `amount` is their sum in minor units, negative for a credit."""

    subscription_id: UUID
    customer_id: UUID
    organization_id: UUID
    count: int
    amount: int
    currency: str


async def leftovers(sessions: Sessions) -> AsyncIterator[Leftover]:
    """Every subscription that is over and has entries that wait, in pages."""
    after = UUID(int=0)
    while True:
        statement = (
            select(
                Subscription.id, Subscription.customer_id, Subscription.organization_id, Subscription.currency,
                func.count().label("entries"), func.sum(BillingEntry.amount).label("amount"),
            )
            .join(BillingEntry, BillingEntry.subscription_id == Subscription.id)
            .where(
                Subscription.id > after, Subscription.ended_at.is_not(None), BillingEntry.order_id.is_(None),
                BillingEntry.dropped_at.is_(None),
            )
            .group_by(Subscription.id)
            .order_by(Subscription.id)
            .limit(PAGE)
        )  # fmt: skip
        async with sessions() as session:
            rows = (await session.execute(statement)).all()
        for row in rows:
            yield Leftover(
                row.id, row.customer_id, row.organization_id, row.entries, int(row.amount), row.currency
            )  # fmt: skip
        if len(rows) < PAGE:
            return
        after = rows[-1].id


async def repair(sessions: Sessions, leftover: Leftover) -> None:
    """Gives a credit to the customer's balance, by an order as the end writes it today; drops what would be charged.

    A charge is dropped because the customer was not asked for it when it was due. May be repeated.
    """
    await asking(partial(_repair, sessions, leftover))


async def _repair(sessions: Sessions, leftover: Leftover) -> None:
    async with sessions() as session:
        customer = await customers.lock(session, leftover.customer_id)
        locked = select(Subscription).where(Subscription.id == leftover.subscription_id).with_for_update()
        subscription = (await session.execute(locked)).scalar_one()
        now = clock.now()
        if await entries.waiting_amount(session, subscription) < 0:
            around = await surroundings(session, [(subscription, customer)])
            await bill_rest(session, subscription, customer, around, now)
        else:
            await entries.drop(session, subscription, now)
