"""`/v1/webhooks/event-types`"""

from typing import Annotated

from fastapi import Query
from servicekit.auth import Principal, allow
from servicekit.lists import ListResource, PageQuery
from servicekit.routing import ResourceRouter

from webhooks.event_types import operations
from webhooks.event_types.schemas import WebhookEventTypeRead

router = ResourceRouter("/webhooks/event-types", "webhooks")
Reader = Annotated[Principal, allow("webhooks:read", "webhooks:write")]


@router.get("/", name="list_webhook_event_types")
async def list_event_types(
    principal: Reader, page: PageQuery, name: Annotated[list[str] | None, Query()] = None
) -> ListResource[WebhookEventTypeRead]:
    """Lists what an endpoint may ask for, with the schema of its payload and an example."""
    found = [
        one for one in operations.event_types() if name is None or one.name in name or set(name) & set(one.aliases)
    ]
    return page.of(list(found[page.offset : page.offset + page.limit]), len(found))
