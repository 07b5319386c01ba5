"""What is heard about purchases."""

from contracts.checkout import CheckoutSucceededV1
from servicekit.consumers import Consumers
from sqlalchemy.ext.asyncio import AsyncSession

from billing.orders import operations

consumers = Consumers("billing.checkouts")


@consumers.on(CheckoutSucceededV1)
async def open_order(event: CheckoutSucceededV1, session: AsyncSession) -> None:
    """Writes down what was sold, with the ids that the buyer was told."""
    await operations.open_of_purchase(session, event.data)
