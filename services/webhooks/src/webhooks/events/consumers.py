"""What is heard: every public event of the suite, and organizations as soon as they exist."""

from typing import Any

from contracts.event import Event
from contracts.identity import OrganizationCreatedV1, OrganizationUpdatedV1
from contracts.registry import PUBLIC
from servicekit.consumers import Consumers
from servicekit.database import project_all
from sqlalchemy.ext.asyncio import AsyncSession

from webhooks.events import operations
from webhooks.organizations.models import Organization

consumers = Consumers("webhooks.events", in_order=True)
"""One worker at a time: endpoints are told in the order in which things happened."""


@consumers.on(*PUBLIC, OrganizationCreatedV1, together=True)
async def announce(events: list[Event[Any]], session: AsyncSession) -> None:
    """Tells every endpoint that asked for it, and keeps of organizations whom to write to."""
    await operations.announce(session, events)
    told = [event for event in events if isinstance(event, OrganizationCreatedV1 | OrganizationUpdatedV1)]
    if told:
        rows = [
            (event, {"name": event.data.name, "email": event.data.email, "locale": event.data.locale}) for event in told
        ]
        await project_all(session, Organization, rows)
