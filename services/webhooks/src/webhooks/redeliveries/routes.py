"""`/v1/webhooks/redeliveries`"""

from typing import Annotated
from uuid import UUID

from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.lists import ListResource, PageQuery
from servicekit.routing import ResourceRouter, SessionOf

from webhooks.redeliveries import operations
from webhooks.redeliveries.schemas import RedeliveryCreate, RedeliveryRead

router = ResourceRouter("/webhooks/redeliveries", "webhooks")
Reader = Annotated[Principal, allow("webhooks:read", "webhooks:write")]
Writer = Annotated[Principal, allow("webhooks:write")]


@router.post("/", name="create_webhook_redelivery", status_code=202, responses=responses(ResourceNotFound))
async def create(session: SessionOf, principal: Writer, redelivery: RedeliveryCreate) -> RedeliveryRead:
    """Sends every event that matches once more, with its id and its bytes."""
    return RedeliveryRead.model_validate(await operations.create(session, principal, redelivery))


@router.get("/", name="list_webhook_redeliveries")
async def list_redeliveries(session: SessionOf, principal: Reader, page: PageQuery) -> ListResource[RedeliveryRead]:
    """Lists redeliveries, the newest first."""
    found, total = await operations.list_redeliveries(session, principal, page)
    return page.of([RedeliveryRead.model_validate(one) for one in found], total)


@router.get("/{id}", name="get_webhook_redelivery", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> RedeliveryRead:
    """Gets a redelivery."""
    return RedeliveryRead.model_validate(await operations.find(session, principal, id))
