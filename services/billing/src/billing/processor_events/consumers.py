"""What is heard of the processor, through checkout, which has the one address that it calls back."""

from contracts.processor_events import ProcessorEventReceivedV1
from servicekit.consumers import Consumers
from sqlalchemy.ext.asyncio import AsyncSession

from billing.client_intents import callbacks as client_intents
from billing.disputes import callbacks as disputes
from billing.payments import callbacks as payments
from billing.processor_events import handlers
from billing.refunds import callbacks as refunds

consumers = Consumers("billing.processor_events")

__all__ = ["client_intents", "consumers", "disputes", "payments", "refunds"]


@consumers.on(ProcessorEventReceivedV1)
async def follow_processor(event: ProcessorEventReceivedV1, session: AsyncSession) -> None:
    """Hands a call-back to the resource that it is about."""
    await handlers.handle(session, event.data.type, event.data.object)
