"""What is heard about checkouts, and the purchases that they become."""

from collections.abc import Sequence

from contracts.checkout import CheckoutCreatedV1, CheckoutExpiredV1, CheckoutSucceededV1, CheckoutUpdatedV1
from servicekit.consumers import Consumers
from sqlalchemy.ext.asyncio import AsyncSession

from billing.checkouts import operations as checkouts
from billing.orders import operations

consumers = Consumers("billing.checkouts")


@consumers.on(CheckoutSucceededV1)
async def open_order(event: CheckoutSucceededV1, session: AsyncSession) -> None:
    """Writes down what was sold, with the ids that the buyer was told."""
    await operations.open_of_purchase(session, event.data)
    await checkouts.keep_purchase(session, event)


@consumers.on(CheckoutCreatedV1, CheckoutUpdatedV1, CheckoutExpiredV1, together=True)
async def keep_checkouts(
    events: Sequence[CheckoutCreatedV1 | CheckoutUpdatedV1 | CheckoutExpiredV1], session: AsyncSession
) -> None:
    """Keeps the checkouts as they are now, for the metrics."""
    await checkouts.keep(session, events)
