"""What is heard about orders: that billing has written the one of a purchase."""

from contracts.billing import OrderCreatedV1
from servicekit.consumers import Consumers
from servicekit.database import wake
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts.models import Checkout

consumers = Consumers("checkout.orders")


@consumers.on(OrderCreatedV1)
async def note_order(event: OrderCreatedV1, session: AsyncSession) -> None:
    """Notes that the order of a checkout is written, for who waits on its page."""
    if event.data.checkout_id is not None:
        written = update(Checkout).where(Checkout.id == event.data.checkout_id, Checkout.order_created_at.is_(None))
        await session.execute(written.values(order_created_at=event.time))
        wake(session)
