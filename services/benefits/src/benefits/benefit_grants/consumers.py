"""What is heard about purchases: who is owed which product's benefits."""

from datetime import timedelta
from uuid import UUID

from contracts.billing import (
    OrderPaidV1,
    OrderUpdatedV1,
    SubscriptionActiveV1,
    SubscriptionRevokedV1,
    SubscriptionUpdatedV1,
)
from servicekit.consumers import Consumers, Retry
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import operations
from benefits.benefit_grants.models import Entitlement
from benefits.customers import operations as customers

consumers = Consumers("benefits.grants")
SOON = timedelta(seconds=1)
OWED = {"trialing", "active", "past_due"}
"""The states of a subscription in which its benefits are owed."""


@consumers.on(OrderPaidV1, OrderUpdatedV1)
async def follow_order(event: OrderPaidV1 | OrderUpdatedV1, session: AsyncSession) -> None:
    """Gives what a one-time order bought, and takes it when the money went back with it, whatever is heard first; a
    subscription's orders give nothing of their own.
    """
    order = event.data
    if order.subscription_id is None and order.product_id is not None and order.paid:
        is_active = order.benefits_revoked_at is None and order.customer.deleted_at is None
        await _entitle(event, session, "order", order.product_id, is_active=is_active)


@consumers.on(SubscriptionActiveV1, SubscriptionUpdatedV1, SubscriptionRevokedV1)
async def follow_subscription(
    event: SubscriptionActiveV1 | SubscriptionUpdatedV1 | SubscriptionRevokedV1, session: AsyncSession
) -> None:
    """Gives while the subscription lives, takes when it has ended, whatever is heard first."""
    await _entitle(event, session, "subscription", event.data.product_id, is_active=event.data.status in OWED)


async def _entitle(
    event: OrderPaidV1 | OrderUpdatedV1 | SubscriptionActiveV1 | SubscriptionUpdatedV1 | SubscriptionRevokedV1,
    session: AsyncSession,
    kind: str,
    product_id: UUID,
    *,
    is_active: bool,
) -> None:
    await customers.introduce(session, event.data.customer)
    is_news = await project(
        session,
        Entitlement,
        event,
        organization_id=event.organization_id,
        kind=kind,
        customer_id=event.data.customer_id,
        product_id=product_id,
        checkout_id=event.data.checkout_id,
        is_active=is_active,
    )
    if is_news and not await operations.follow(session, event.subject):
        raise Retry(SOON, f"product {product_id} is not known yet")
