"""What is heard about subscriptions."""

from collections.abc import Sequence

from contracts import billing
from contracts.event import Event
from servicekit.consumers import Consumers
from servicekit.database import project_all
from sqlalchemy.ext.asyncio import AsyncSession

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
    """Keeps whether subscriptions go on. Every event is heard: a copy is compared by the number of the last one."""
    rows = [
        (
            event,
            {
                "organization_id": event.organization_id,
                "customer_id": event.data.customer_id,
                "goes_on": event.data.ended_at is None,
            },
        )
        for event in events
    ]
    await project_all(session, Subscription, rows)
