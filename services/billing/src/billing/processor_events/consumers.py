"""What is heard of the processor, through checkout, which has the one address that it calls back."""

from contracts.checkout import ProcessorEventReceivedV1
from servicekit.consumers import Consumers
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payments import callbacks as payments
from billing.processor_events import handlers

consumers = Consumers("billing.processor_events")

__all__ = ["consumers", "payments"]


@consumers.on(ProcessorEventReceivedV1)
async def follow_processor(event: ProcessorEventReceivedV1, session: AsyncSession) -> None:
    """Hands a call-back to the resource that it is about."""
    await handlers.handle(session, event.data.type, event.data.object)
