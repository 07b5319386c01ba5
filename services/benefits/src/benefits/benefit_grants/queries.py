"""Finding grants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts import benefits as contracts
from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_rows, text_matches
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import events
from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit
from benefits.customers.models import Customer

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


async def list_grants(
    session: AsyncSession, principal: Principal, wanted: BenefitGrantFilter, page: Page, sorting: Sorting
) -> tuple[list[contracts.BenefitGrant], int]:
    """A page of the caller's grants."""
    statement = select(BenefitGrant).where(owned_by(principal, BenefitGrant))
    for name in ("organization_id", "benefit_id", "customer_id", "order_id", "subscription_id"):
        values = getattr(wanted, name)
        if values is not None:
            statement = statement.where(getattr(BenefitGrant, name).in_(values))
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
