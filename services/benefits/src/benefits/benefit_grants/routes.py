"""`/v1/benefit-grants/`"""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from servicekit.auth import Principal, allow
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf

from benefits.benefit_grants import queries
from benefits.benefit_grants.queries import BenefitGrantFilter
from benefits.benefit_grants.schemas import BenefitGrantRead

router = ResourceRouter("/benefit-grants", "benefit_grants")
Reader = Annotated[Principal, allow("benefits:read", "benefits:write")]
Ids = Annotated[list[UUID] | None, Query()]


@router.get("/", name="list")
async def list_grants(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
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
