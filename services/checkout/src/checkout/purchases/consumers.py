"""What is heard of purchases: that billing has written their order and their subscription."""

from contracts.billing import OrderCreatedV1, SubscriptionCreatedV1
from servicekit.consumers import Consumers
from servicekit.database import wake
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts.models import Checkout

consumers = Consumers("checkout.purchases")


@consumers.on(OrderCreatedV1)
async def note_order(event: OrderCreatedV1, session: AsyncSession) -> None:
    """Notes that the order of a checkout is written, for who waits on its page."""
    if event.data.checkout_id is not None:
        written = update(Checkout).where(Checkout.id == event.data.checkout_id, Checkout.order_created_at.is_(None))
        await session.execute(written.values(order_created_at=event.time))
        wake(session)


@consumers.on(SubscriptionCreatedV1)
async def note_subscription(event: SubscriptionCreatedV1, session: AsyncSession) -> None:
    """Notes that the subscription of a checkout has begun."""
    if event.data.checkout_id is not None:
        begun = update(Checkout).where(
            Checkout.id == event.data.checkout_id, Checkout.subscription_created_at.is_(None)
        )
        await session.execute(begun.values(subscription_created_at=event.time))
        wake(session)
