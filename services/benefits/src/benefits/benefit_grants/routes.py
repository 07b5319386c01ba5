"""`/v1/benefit-grants/`"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from servicekit.auth import MEMBER, Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.inputs import IgnoredQuery
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import operations, queries
from benefits.benefit_grants.portal import CustomerBenefitGrant, CustomerBenefitGrantUpdate
from benefits.benefit_grants.queries import BenefitGrantFilter
from benefits.benefit_grants.schemas import BenefitGrantRead
from benefits.oauth_accounts import queries as oauth_accounts
from benefits.organizations.operations import seller

router = ResourceRouter("/benefit-grants", "benefit_grants")
portal_router = ResourceRouter("/customer-portal/benefit-grants", "customer_portal:benefit_grants")
Customer = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", MEMBER, kind="customer")]
CustomerWriter = Annotated[Principal, allow("customer_portal:write", MEMBER, kind="customer")]
Reader = Annotated[Principal, allow("benefits:read", "benefits:write")]
Ids = Annotated[list[UUID] | None, Query()]


@router.get("/", name="list")
async def list_grants(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by("created_at", "granted_at", "revoked_at")],
    organization_id: Ids = None,
    benefit_id: Ids = None,
    customer_id: Ids = None,
    external_customer_id: Annotated[list[str] | None, Query()] = None,
    order_id: Ids = None,
    subscription_id: Ids = None,
    is_granted: bool | None = None,
) -> ListResource[BenefitGrantRead]:
    """Lists the grants of benefits."""
    wanted = BenefitGrantFilter(
        organization_id, benefit_id, customer_id, external_customer_id, order_id, subscription_id, is_granted
    )
    grants, total = await queries.list_grants(session, principal, wanted, page, sorting)
    return page.of([BenefitGrantRead.of(grant) for grant in grants], total)


@portal_router.get("/", name="list")
async def list_own_grants(
    session: SessionOf,
    principal: Customer,
    page: PageQuery,
    sorting: Annotated[
        Sorting, sorted_by("granted_at", "type", "organization", "product_benefit", default="-granted_at")
    ],
    query: Annotated[str | None, Query(max_length=200, description="In the benefit's description.")] = None,
    type: Annotated[list[str] | None, Query()] = None,
    benefit_id: Ids = None,
    checkout_id: Ids = None,
    order_id: Ids = None,
    subscription_id: Ids = None,
    member_id: Ids = None,
    organization_id: IgnoredQuery = None,
) -> ListResource[CustomerBenefitGrant]:
    """Lists the customer's own grants that are held."""
    wanted = BenefitGrantFilter(
        benefit_id=benefit_id,
        order_id=order_id,
        subscription_id=subscription_id,
        is_granted=True,
        checkout_id=checkout_id,
        type=type,
        query=query,
        member_id=member_id,
    )
    grants, total = await queries.list_grants(session, principal, wanted, page, sorting)
    shown = await _shown(session, principal) if grants else ({}, {})
    return page.of([CustomerBenefitGrant.of(grant, *shown) for grant in grants], total)


@portal_router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get_own_grant(id: UUID, session: SessionOf, principal: Customer) -> CustomerBenefitGrant:
    """Gets a grant of the customer's own."""
    grant = await operations.get(session, principal, id)
    return CustomerBenefitGrant.of(grant, *await _shown(session, principal))


@portal_router.patch("/{id}", name="update", responses=responses(ResourceNotFound))
async def update_own_grant(
    id: UUID, session: SessionOf, principal: CustomerWriter, changes: CustomerBenefitGrantUpdate
) -> CustomerBenefitGrant:
    """Changes a grant of the customer's own: which of their accounts gets it."""
    account_id = changes.properties.account_id if changes.properties is not None else None
    grant = await operations.update_own(session, principal, id, changes.benefit_type, account_id)
    return CustomerBenefitGrant.of(grant, *await _shown(session, principal))


async def _shown(session: AsyncSession, principal: Principal) -> tuple[dict[str, Any], dict[str, Any]]:
    """The seller, and the customer's accounts, as the customer sees them."""
    organization = await seller(session, principal.organization())
    return organization, await oauth_accounts.shown(session, principal)
