"""What is heard about subscriptions."""

from collections.abc import Sequence

from contracts.billing import SubscriptionCreatedV1, SubscriptionRevokedV1, SubscriptionUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project_all
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.subscriptions.models import Subscription

consumers = Consumers("checkout.subscriptions")


@consumers.on(SubscriptionCreatedV1, SubscriptionUpdatedV1, SubscriptionRevokedV1, together=True)
async def keep_subscriptions(
    events: Sequence[SubscriptionCreatedV1 | SubscriptionUpdatedV1 | SubscriptionRevokedV1], session: AsyncSession
) -> None:
    """Keeps whether subscriptions go on."""
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
