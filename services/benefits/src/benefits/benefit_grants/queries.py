"""Finding grants."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts import benefits as contracts
from servicekit.auth import Principal, owned_by
from servicekit.database import plan_anew
from servicekit.lists import Page, Sorting, fetch_rows, text_matches
from servicekit.timers import due, look
from sqlalchemy import exists, false, func, or_, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from benefits.benefit_connections import queries as connections
from benefits.benefit_grants import events
from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit
from benefits.customers.models import Customer
from benefits.oauth_accounts import queries as oauth_accounts
from benefits.oauth_accounts.models import OAuthAccount
from benefits.strategies.properties import PLATFORMS
from benefits.strategies.protocol import Account, Job

COLUMNS: dict[str, Any] = {
    "created_at": BenefitGrant.created_at,
    "granted_at": BenefitGrant.granted_at,
    "revoked_at": BenefitGrant.revoked_at,
    "type": Benefit.type,
    "product_benefit": BenefitGrant.created_at,
    "organization": BenefitGrant.organization_id,
}


@dataclass(frozen=True)
class BenefitGrantFilter:
    """What a list of grants is narrowed to."""

    organization_id: Sequence[UUID] | None = None
    benefit_id: Sequence[UUID] | None = None
    customer_id: Sequence[UUID] | None = None
    external_customer_id: Sequence[str] | None = None
    order_id: Sequence[UUID] | None = None
    subscription_id: Sequence[UUID] | None = None
    is_granted: bool | None = None
    checkout_id: Sequence[UUID] | None = None
    type: Sequence[str] | None = None
    query: str | None = None
    member_id: Sequence[UUID] | None = None


async def list_grants(
    session: AsyncSession, principal: Principal, wanted: BenefitGrantFilter, page: Page, sorting: Sorting
) -> tuple[list[contracts.BenefitGrant], int]:
    """A page of the caller's grants."""
    statement = select(BenefitGrant).where(owned_by(principal, BenefitGrant))
    for name in ("organization_id", "benefit_id", "customer_id", "order_id", "subscription_id"):
        values = getattr(wanted, name)
        if values is not None:
            statement = statement.where(getattr(BenefitGrant, name).in_(values))
    if wanted.member_id is not None:
        statement = statement.where(false())  # grants are of customers: none is of a member
    if wanted.external_customer_id is not None:
        named = select(Customer.id).where(
            owned_by(principal, Customer), Customer.external_id.in_(wanted.external_customer_id)
        )
        statement = statement.where(BenefitGrant.customer_id.in_(named))
    if wanted.is_granted is not None:
        is_granted = BenefitGrant.granted_at.is_not(None)
        statement = statement.where(is_granted if wanted.is_granted else ~is_granted)
    if wanted.checkout_id is not None:
        bought = select(Entitlement.id).where(
            owned_by(principal, Entitlement), Entitlement.checkout_id.in_(wanted.checkout_id)
        )
        statement = statement.where(BenefitGrant.entitlement_id.in_(bought))
    if wanted.type is not None or wanted.query:
        described = select(Benefit.id).where(Benefit.organization_id.in_(principal.organization_ids))
        if wanted.type is not None:
            described = described.where(Benefit.type.in_(wanted.type))
        if wanted.query:
            described = described.where(text_matches(wanted.query, Benefit.description))
        statement = statement.where(BenefitGrant.benefit_id.in_(described))
    shown = statement.add_columns(Benefit, Customer).select_from(BenefitGrant)
    shown = shown.join(Benefit, Benefit.id == BenefitGrant.benefit_id)
    shown = shown.join(Customer, Customer.id == BenefitGrant.customer_id)
    ordered = sorting.clauses(COLUMNS, BenefitGrant.id)
    rows, total = await fetch_rows(session, shown, page, ordered, counted=statement)
    return [events.shape(row.BenefitGrant, row.Benefit, row.Customer) for row in rows], total


async def find(session: AsyncSession, principal: Principal, id: UUID) -> BenefitGrant | None:
    """A grant of the caller."""
    statement = select(BenefitGrant).where(owned_by(principal, BenefitGrant), BenefitGrant.id == id)
    return (await session.execute(statement)).scalar_one_or_none()


async def shapes(session: AsyncSession, grants: Sequence[BenefitGrant]) -> list[contracts.BenefitGrant]:
    """The public shapes, with their benefits and customers."""
    customer_ids = {grant.customer_id for grant in grants}
    benefit_ids = {grant.benefit_id for grant in grants}
    rows = await session.execute(select(Customer).where(Customer.id.in_(customer_ids)))
    customers = {customer.id: customer for customer in rows.scalars()}
    found = await session.execute(select(Benefit).where(Benefit.id.in_(benefit_ids)))
    benefits = {benefit.id: benefit for benefit in found.scalars()}
    return [events.shape(grant, benefits[grant.benefit_id], customers[grant.customer_id]) for grant in grants]


async def held_by(session: AsyncSession, entitlement_ids: Collection[UUID]) -> list[BenefitGrant]:
    """The grants of entitlements, locked."""
    statement = select(BenefitGrant).where(BenefitGrant.entitlement_id.in_(entitlement_ids)).order_by(BenefitGrant.id)
    return list((await session.execute(_locking(statement))).scalars())


async def free(session: AsyncSession, entitlement_ids: Collection[UUID]) -> list[Entitlement]:
    """Those of the entitlements that no other transaction has in hand, locked, in the order of their ids."""
    wanted = select(Entitlement).where(Entitlement.id.in_(entitlement_ids)).order_by(Entitlement.id)
    wanted = wanted.with_for_update(skip_locked=True)
    return list((await session.execute(wanted)).scalars())


async def locked(session: AsyncSession, id: UUID) -> BenefitGrant:
    """A grant that is known to exist, locked."""
    statement = _locking(select(BenefitGrant).where(BenefitGrant.id == id))
    found: BenefitGrant = (await session.execute(statement)).scalar_one()
    return found


def _locking(statement: Any) -> Any:
    return statement.with_for_update()


_TAKES_FIRST = 3
"""How often something that is to be taken may fail before what is to be given no longer waits for it."""
_CLAIMING = text("select pg_advisory_xact_lock(hashtextextended('benefits: claiming grants', 0))")


is_any_waiting = look(
    "select 1 from benefit_grants where due_at is not null order by organization_id, urgency, due_at limit 1"
)
"""Of the first row in an index's order: while any grant waits for its time, the claim itself looks."""


async def claimable(
    session: AsyncSession, now: datetime, limit: int, share: int, full: Sequence[UUID]
) -> list[BenefitGrant]:
    """Grants whose work outside is due, locked: at most `share` of each organization, those of purchases first.

    What is taken comes before what is given instead of it, and nothing is claimed while the same benefit of the same
    customer is in hand. Organizations in `full` have enough under way.
    """
    await session.execute(_CLAIMING)
    await plan_anew(session)
    grant, other = BenefitGrant, aliased(BenefitGrant)
    waiting = select(grant.organization_id).where(grant.due_at.is_not(None)).order_by(grant.organization_id).limit(1)
    turns = select(waiting.scalar_subquery().label("organization_id")).cte("turns", recursive=True)
    following = waiting.where(grant.organization_id > turns.c.organization_id).correlate(turns).scalar_subquery()
    turns = turns.union_all(select(following).where(turns.c.organization_id.is_not(None)))
    is_free = or_(grant.in_hand_until.is_(None), grant.in_hand_until <= now)
    is_behind = exists().where(
        other.entitlement_id == grant.entitlement_id, other.work == "take", other.attempts < _TAKES_FIRST
    )
    is_in_other_hands = exists().where(
        other.customer_id == grant.customer_id,
        other.benefit_id == grant.benefit_id,
        other.id != grant.id,
        other.in_hand_until > now,
    )
    ready = (
        select(grant.id, grant.urgency, grant.due_at)
        .where(grant.organization_id == turns.c.organization_id, due(grant.due_at, grant.organization_id))
        .where(is_free, or_(grant.work == "take", ~is_behind), ~is_in_other_hands)
        .order_by(grant.urgency, grant.due_at)
        .limit(share)
        .with_for_update(skip_locked=True)
        .lateral("ready")
    )
    chosen = select(ready.c.id).select_from(turns.join(ready, true())).where(turns.c.organization_id.not_in(full))
    found = list((await session.execute(chosen.order_by(ready.c.urgency, func.random()).limit(limit))).scalars())
    rows = (await session.execute(_locking(select(grant).where(grant.id.in_(found))))).scalars()
    once = {(row.customer_id, row.benefit_id): row for row in rows}
    return list(once.values())


async def account_of(
    session: AsyncSession, grant: BenefitGrant, platform: str, chosen: str | None
) -> OAuthAccount | None:
    """The account that a grant is given to: the chosen one, or the latest; None as long as there is none for it."""
    bought = select(Entitlement.checkout_id).where(Entitlement.id == grant.entitlement_id).scalar_subquery()
    return await oauth_accounts.connected(session, grant.customer_id, platform, chosen, bought)


async def job(session: AsyncSession, grant: BenefitGrant, secret: str) -> Job:
    """What is to be done outside for a grant, with all that it needs."""
    benefit = await session.get_one(Benefit, grant.benefit_id)
    chosen = grant.properties.get("account_id")
    account = await account_of(session, grant, PLATFORMS[benefit.type], chosen)
    connected = await connections.external_ids(session, grant.organization_id, PLATFORMS[benefit.type])
    account_id = grant.account or (account.account_id if account is not None else None)
    others = exists().where(
        BenefitGrant.benefit_id == grant.benefit_id,
        BenefitGrant.account == account_id,
        BenefitGrant.id != grant.id,
        BenefitGrant.granted_at.is_not(None),
        BenefitGrant.work.is_distinct_from("take"),
    )
    return Job(
        grant_id=grant.id,
        organization_id=grant.organization_id,
        type=benefit.type,
        work=grant.work or "give",
        version=grant.version,
        attempts=grant.attempts,
        wanted=benefit.properties,
        held=grant.properties,
        account=Account(account.id, account.account_id, account.tokens(secret)) if account is not None else None,
        connected=connected,
        others_hold_it=bool((await session.execute(select(others))).scalar()),
    )


async def give_again(session: AsyncSession, taken: BenefitGrant, account: str, now: datetime) -> None:
    """Another grant of the same to the same account, made while this one was being taken, is given once more."""
    others = update(BenefitGrant).where(
        BenefitGrant.benefit_id == taken.benefit_id,
        BenefitGrant.account == account,
        BenefitGrant.id != taken.id,
        BenefitGrant.granted_at.is_not(None),
        BenefitGrant.work.is_(None),
    )
    await session.execute(others.values(work="give", due_at=now, version=BenefitGrant.version + 1))
