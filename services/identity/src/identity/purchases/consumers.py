"""What is heard about purchases."""

from contracts.checkout import CheckoutSucceededV1
from servicekit.consumers import Consumers
from sqlalchemy.ext.asyncio import AsyncSession

from identity.purchases import operations

consumers = Consumers("identity.purchases")


@consumers.on(CheckoutSucceededV1)
async def open_session(event: CheckoutSucceededV1, session: AsyncSession) -> None:
    """Lets the buyer into the portal for an hour, where it is sure whose the purchase is."""
    await operations.keep(session, event.data)
