"""What is heard: every public event of the suite."""

from typing import Any

from contracts.event import Event
from contracts.registry import PUBLIC
from servicekit.consumers import Consumers
from sqlalchemy.ext.asyncio import AsyncSession

from webhooks.events import operations

consumers = Consumers("webhooks.events", in_order=True)
"""One worker at a time: endpoints are told in the order in which things happened."""


@consumers.on(*PUBLIC)
async def announce(event: Event[Any], session: AsyncSession) -> None:
    """Tells every endpoint that asked for it."""
    await operations.announce(session, event)
