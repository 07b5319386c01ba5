"""What is heard about subscriptions."""

from collections.abc import Sequence

from contracts import billing
from contracts.event import Event
from servicekit.consumers import Consumers
from servicekit.database import project_all, wake
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts.models import Checkout
from checkout.subscriptions.models import Subscription

consumers = Consumers("checkout.subscriptions")


@consumers.on(
    billing.SubscriptionCreatedV1,
    billing.SubscriptionUpdatedV1,
    billing.SubscriptionActiveV1,
    billing.SubscriptionCanceledV1,
    billing.SubscriptionUncanceledV1,
    billing.SubscriptionRevokedV1,
    billing.SubscriptionPausedV1,
    billing.SubscriptionResumedV1,
    billing.SubscriptionCycledV1,
    billing.SubscriptionPastDueV1,
    together=True,
)
async def keep_subscriptions(events: Sequence[Event[billing.Subscription]], session: AsyncSession) -> None:
    """Keeps what checkouts ask of subscriptions; every event, as a copy is compared by the number of the last.

    The checkout that one was bought at is told, for who waits on its page.
    """
    rows = [
        (
            event,
            {
                "organization_id": event.organization_id,
                "customer_id": event.data.customer_id,
                "goes_on": event.data.ended_at is None,
                "is_upgradable": _is_upgradable(event.data),
                "checkout_id": event.data.checkout_id,
            },
        )
        for event in events
    ]
    await project_all(session, Subscription, rows)
    begun = [event for event in events if isinstance(event, billing.SubscriptionCreatedV1) and event.data.checkout_id]
    for event in begun:
        bought = update(Checkout).where(
            Checkout.id == event.data.checkout_id, Checkout.subscription_created_at.is_(None)
        )
        await session.execute(bought.values(subscription_created_at=event.time))
        wake(session)


def _is_upgradable(subscription: billing.Subscription) -> bool:
    """Active, and on a free price (Polar's rule). A price of more is not free by its discount."""
    is_active = subscription.ended_at is None and subscription.status in ("active", "trialing")
    free = all(price.amount_type == "fixed" and price.price_amount == 0 for price in subscription.prices)
    return is_active and free and subscription.amount == 0
