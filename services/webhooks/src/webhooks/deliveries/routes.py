"""`/v1/webhooks/deliveries`"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from servicekit.auth import Principal, allow
from servicekit.fields import InstantInput
from servicekit.lists import ListResource, PageQuery
from servicekit.routing import ResourceRouter, SessionOf

from webhooks.deliveries import operations, queries
from webhooks.deliveries.queries import DeliveryFilter
from webhooks.deliveries.schemas import DeliveryRead

router = ResourceRouter("/webhooks/deliveries", "webhooks")
Reader = Annotated[Principal, allow("webhooks:read", "webhooks:write")]
Ids = Annotated[list[UUID] | None, Query()]


@router.get("/", name="list_webhook_deliveries")
async def list_deliveries(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    organization_id: Ids = None,
    endpoint_id: Ids = None,
    event_type: Annotated[list[str] | None, Query()] = None,
    succeeded: bool | None = None,
    http_code_class: Literal["2xx", "3xx", "4xx", "5xx"] | None = None,
    start_timestamp: InstantInput | None = None,
    end_timestamp: InstantInput | None = None,
    query: Annotated[
        str | None, Query(max_length=200, description="In the name of the event, and in what the endpoint answered.")
    ] = None,
) -> ListResource[DeliveryRead]:
    """Lists deliveries: every attempt, the newest first."""
    wanted = DeliveryFilter(
        organization_id, endpoint_id, event_type, succeeded, http_code_class, start_timestamp, end_timestamp, query
    )
    found, total = await queries.list_deliveries(session, principal, wanted, page)
    return page.of([operations.shown(delivery, event) for delivery, event in found], total)
