"""Finding customers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts.checkout import PurchaseCustomer
from servicekit.auth import Principal, owned_by
from servicekit.lists import MetadataFilter, Page, Sorting, fetch_page, metadata_matches, text_matches
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer, CustomerAlias
from billing.subscriptions.models import Subscription

_ACTIVE = ("trialing", "active", "past_due")

COLUMNS: dict[str, Any] = {
    "created_at": Customer.created_at,
    "email": Customer.email,
    "name": Customer.name,
    "customer_name": Customer.name,
}


@dataclass(frozen=True)
class CustomerFilter:
    """What a list of customers is narrowed to."""

    organization_id: Sequence[UUID] | None = None
    email: str | None = None
    external_id: Sequence[str] | None = None
    query: str | None = None
    metadata: MetadataFilter = field(default_factory=dict)
    active: bool | None = None
    """Whether there is a subscription in trial, active or past due."""


async def list_customers(
    session: AsyncSession, principal: Principal, wanted: CustomerFilter, page: Page, sorting: Sorting
) -> tuple[list[Customer], int]:
    """A page of the caller's customers."""
    statement = select(Customer).where(owned_by(principal, Customer), Customer.deleted_at.is_(None))
    if wanted.organization_id is not None:
        statement = statement.where(Customer.organization_id.in_(wanted.organization_id))
    if wanted.email is not None:
        statement = statement.where(Customer.email == wanted.email)
    if wanted.external_id is not None:
        statement = statement.where(Customer.external_id.in_(wanted.external_id))
    if wanted.query:
        statement = statement.where(text_matches(wanted.query, Customer.email, Customer.name, Customer.external_id))
    if wanted.active is not None:
        subscribed = exists().where(Subscription.customer_id == Customer.id, Subscription.status.in_(_ACTIVE))
        statement = statement.where(subscribed if wanted.active else ~subscribed)
    statement = statement.where(*metadata_matches(Customer.user_metadata, wanted.metadata))
    return await fetch_page(session, statement, page, sorting.clauses(COLUMNS, Customer.id))


async def find(
    session: AsyncSession,
    principal: Principal,
    *,
    id: UUID | None = None,
    external_id: str | None = None,
    lock: bool = False,
) -> Customer | None:
    """A customer of the caller by its id (or one that it was promised under), or by the merchant's own id."""
    statement = select(Customer).where(owned_by(principal, Customer), Customer.deleted_at.is_(None))
    if id is not None:
        promised = select(CustomerAlias.customer_id).where(owned_by(principal, CustomerAlias), CustomerAlias.id == id)
        statement = statement.where((Customer.id == id) | Customer.id.in_(promised))
    else:
        statement = statement.where(Customer.external_id == external_id)
    if lock:
        statement = statement.with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()


async def lock(session: AsyncSession, id: UUID) -> Customer:
    """A customer that something of the caller's belongs to, locked: before its orders, payments and subscriptions."""
    statement = select(Customer).where(Customer.id == id).with_for_update()
    return (await session.execute(statement)).scalar_one()


async def of_purchase(session: AsyncSession, organization_id: UUID, buyer: PurchaseCustomer) -> Customer | None:
    """The customer that a purchase belongs to, locked: the one that the seller named, else who has the e-mail.

    The id that a checkout promised to an e-mail decides nothing: whose it is now may have another e-mail. The released
    version does not say whom the seller named: the e-mail decides there too.
    """
    live = select(Customer).where(Customer.organization_id == organization_id, Customer.deleted_at.is_(None))
    by_email = live.where(Customer.email == buyer.email).with_for_update()
    if not buyer.is_named:
        return (await session.execute(by_email)).scalar_one_or_none()
    promised = select(CustomerAlias.customer_id).where(
        CustomerAlias.organization_id == organization_id, CustomerAlias.id == buyer.id
    )
    by_id = live.where((Customer.id == buyer.id) | Customer.id.in_(promised)).with_for_update()
    found = (await session.execute(by_id)).scalar_one_or_none()
    if found is not None:
        return found
    return (await session.execute(by_email)).scalar_one_or_none()
