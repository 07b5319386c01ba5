"""Work that follows an edit, in small shares, organization by organization; and the end of grace periods.

However many buyers a product has, a purchase waits for one share at most: shares are small, each is followed by a rest,
which is longer while purchases come late (`pacing`), and none begins while the events of earlier ones wait to be
published, which a purchase's would have to wait behind.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import takewhile
from typing import Any
from uuid import UUID

import structlog
from servicekit import clock
from servicekit.database import Sessions
from servicekit.timers import Conditions, due, waiting
from sqlalchemy import ARRAY, Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import following
from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefit_grants.pacing import pace
from benefits.benefits.models import BenefitChange
from benefits.customers.models import Customer
from benefits.products.models import ProductChange

log = structlog.get_logger()

SHARE = 25
"""Buyers in one turn of an organization."""
UNPUBLISHED = 300
"""How many events may wait for the relay when a share begins."""
AWAITING = 0.05
"""Seconds until it is looked again."""
REMEMBERED = 1000
"""Organizations whose turns are remembered."""
_MUCH_WAITS = text(f"select count(*) > {UNPUBLISHED} from (select from outbox where published_at is null "
                f"and retry_at is null limit {UNPUBLISHED + 1}) waiting")  # fmt: skip

Followed = tuple[Sequence[Any], set[UUID]]
"""The rows of a share, and the entitlements that were followed."""
Share = Callable[[AsyncSession, Any], Awaitable[Followed]]


def _is_due(model: Any) -> Conditions:
    return (due(model.worked_at, model.organization_id),)


is_any_changed_product = waiting(ProductChange.worked_at, partial(_is_due, ProductChange))
is_any_changed_benefit = waiting(BenefitChange.worked_at, partial(_is_due, BenefitChange))


class Backlog:
    """Works off what was edited. Organizations take turns, however many products or benefits each of them edited."""

    def __init__(self) -> None:
        self._turns: OrderedDict[UUID, None] = OrderedDict()

    async def follow_changed_products(self, sessions: Sessions) -> int:
        """Works through a share of one product's buyers. Returns how many, at least 1 while there is more."""
        return await self._paced(sessions, ProductChange, _buyers)

    async def follow_changed_benefits(self, sessions: Sessions) -> int:
        """Works through a share of one benefit's grants: they follow it, or are taken when it was deleted.

        Returns how many, at least 1 while there is more.
        """
        return await self._paced(sessions, BenefitChange, _holders)

    async def _paced(self, sessions: Sessions, model: Any, share: Share) -> int:
        began = time.monotonic()
        async with sessions() as session:
            if (await session.execute(_MUCH_WAITS)).scalar_one():
                done, rest = 1, AWAITING
            else:
                done, rest = await self._turn(session, model, share), 0.0
        if rest or (done and clock.standing() is None):
            await asyncio.sleep(rest or pace.rest(time.monotonic() - began))
        return done

    async def _turn(self, session: AsyncSession, model: Any, share: Share) -> int:
        turns = bindparam("turns", list(self._turns), type_=ARRAY(Uuid))
        changes = select(model).where(*_is_due(model))
        # The organization whose turn was longest ago comes next; one that had none yet, before all others.
        last_turn = func.array_position(turns, model.organization_id).nulls_first()
        turn = changes.order_by(last_turn, model.worked_at).limit(1).with_for_update(skip_locked=True)
        change = (await session.execute(turn)).scalar_one_or_none()
        if change is None:
            return 0
        self._turns.pop(change.organization_id, None)
        self._turns[change.organization_id] = None
        if len(self._turns) > REMEMBERED:
            self._turns.popitem(last=False)
        rows, followed = await share(session, change)
        # One that a purchase has in hand is waited for, with all behind it.
        done = list(takewhile(lambda row: row.customer is None or row.entitlement_id in followed, rows))
        if len(done) == len(rows) < SHARE:
            await session.delete(change)
        else:
            change.worked_at = clock.now()
            if done:
                change.done_to = done[-1].id
        return max(len(done), 1)


async def _buyers(session: AsyncSession, change: ProductChange) -> Followed:
    """The next buyers of a product follow it."""
    buyers = select(Entitlement.id, Entitlement.id.label("entitlement_id"), Customer.id.label("customer"))
    buyers = buyers.outerjoin(Customer, Customer.id == Entitlement.customer_id)
    buyers = buyers.where(Entitlement.product_id == change.product_id, Entitlement.is_active)
    if change.done_to is not None:
        buyers = buyers.where(Entitlement.id > change.done_to)
    rows = (await session.execute(buyers.order_by(Entitlement.id).limit(SHARE))).all()
    return rows, await following.follow_all(session, _known(rows))


async def _holders(session: AsyncSession, change: BenefitChange) -> Followed:
    """The next grants of a benefit follow it, or are taken."""
    held = select(BenefitGrant.id, BenefitGrant.entitlement_id, Customer.id.label("customer"))
    held = held.outerjoin(Customer, Customer.id == BenefitGrant.customer_id)
    held = held.where(BenefitGrant.benefit_id == change.benefit_id)
    if change.done_to is not None:
        held = held.where(BenefitGrant.id > change.done_to)
    rows = (await session.execute(held.order_by(BenefitGrant.id).limit(SHARE))).all()
    if change.is_deleted:
        return rows, await following.follow_all(session, _known(rows))
    return rows, await following.refresh_all(session, change.benefit_id, _known(rows))


def _known(rows: Sequence[Any]) -> list[UUID]:
    """The entitlements whose customer is known. One that is not is left out, so that it holds nobody else up."""
    for row in rows:
        if row.customer is None:
            log.error("grant.customer_unknown", id=str(row.id))
    return [row.entitlement_id for row in rows if row.customer is not None]


def _is_over() -> Conditions:
    return Entitlement.revoke_at.is_not(None), due(Entitlement.revoke_at, Entitlement.organization_id)


is_any_over = waiting(Entitlement.revoke_at, _is_over)


async def end_grace_periods(sessions: Sessions) -> int:
    """Takes the benefits of a subscription whose payment is missing for longer than the seller allows."""
    async with sessions() as session:
        over = select(Entitlement).where(*_is_over())
        claimed = over.order_by(Entitlement.revoke_at).limit(1).with_for_update(skip_locked=True)
        entitlement = (await session.execute(claimed)).scalar_one_or_none()
        if entitlement is None:
            return 0
        entitlement.revoke_at, entitlement.is_active = None, False
        await session.flush()
        await following.follow(session, entitlement.id)
        return 1
