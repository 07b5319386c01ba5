"""`/v1/orders/`"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.lists import ListResource, MetadataQuery, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf

from billing.orders import operations, queries
from billing.orders.queries import OrderFilter
from billing.orders.schemas import OrderRead

router = ResourceRouter("/orders", "orders")
Reader = Annotated[Principal, allow("orders:read", "orders:write")]
Ids = Annotated[list[UUID] | None, Query()]


@router.get("/", name="list")
async def list_orders(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
    metadata: MetadataQuery,
    organization_id: Ids = None,
    product_id: Ids = None,
    customer_id: Ids = None,
    external_customer_id: Annotated[list[str] | None, Query()] = None,
    discount_id: Ids = None,
    checkout_id: Ids = None,
    subscription_id: Ids = None,
    status: Annotated[list[str] | None, Query()] = None,
    product_billing_type: Annotated[list[Literal["one_time", "recurring"]] | None, Query()] = None,
) -> ListResource[OrderRead]:
    """Lists orders."""
    wanted = OrderFilter(
        organization_id, product_id, customer_id, external_customer_id, discount_id, checkout_id, subscription_id,
        status, product_billing_type, metadata,
    )  # fmt: skip
    orders, total = await queries.list_orders(session, principal, wanted, page, sorting)
    return page.of([OrderRead.of(order) for order in orders], total)


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> OrderRead:
    """Gets an order."""
    return OrderRead.of(await operations.get(session, principal, id))
