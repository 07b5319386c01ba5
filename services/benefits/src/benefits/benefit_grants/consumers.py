"""What is heard about purchases: who is owed which product's benefits."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.billing import (
    OrderPaidV1,
    OrderUpdatedV1,
    Subscription,
    SubscriptionActiveV1,
    SubscriptionRevokedV1,
    SubscriptionUpdatedV1,
)
from servicekit import clock
from servicekit.consumers import Consumers, Retry
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import following
from benefits.benefit_grants.models import Entitlement
from benefits.benefit_grants.pacing import pace
from benefits.customers import operations as customers
from benefits.organizations.operations import grace_period

consumers = Consumers("benefits.grants")
SOON = timedelta(seconds=1)
OWED = {"trialing", "active"}
"""The states of a subscription in which its benefits are owed; past due they are owed for the seller's grace period."""


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
    subscription = event.data
    past_due_at = revoke_at = None
    if subscription.status == "past_due":
        grace = await grace_period(session, event.organization_id)
        if grace is None:
            raise Retry(SOON, f"organization {event.organization_id} is not known yet")
        past_due_at = subscription.past_due_at or event.time
        revoke_at = past_due_at + grace
    is_active = subscription.status in OWED or (revoke_at is not None and revoke_at > clock.now())
    await _entitle(
        event,
        session,
        "subscription",
        subscription.product_id,
        is_active=is_active,
        past_due_at=past_due_at,
        revoke_at=revoke_at if is_active else None,
        **_period(subscription),
    )


def _period(subscription: Subscription) -> dict[str, datetime]:
    """The paid period: a trial is time before it."""
    if subscription.status == "trialing" and subscription.trial_end is not None:
        return {"period_start": subscription.trial_end, "period_end": subscription.trial_end}
    return {"period_start": subscription.current_period_start, "period_end": subscription.current_period_end}


async def _entitle(
    event: OrderPaidV1 | OrderUpdatedV1 | SubscriptionActiveV1 | SubscriptionUpdatedV1 | SubscriptionRevokedV1,
    session: AsyncSession,
    kind: str,
    product_id: UUID,
    **values: Any,
) -> None:
    if event.recorded_time is not None:
        pace.saw((clock.wall() - event.recorded_time).total_seconds())
    await customers.introduce(session, event.data.customer)
    known = await session.get(Entitlement, event.subject, with_for_update=True)
    before = (known.period_start, known.period_end) if known is not None else None
    is_news = await project(
        session,
        Entitlement,
        event,
        organization_id=event.organization_id,
        kind=kind,
        customer_id=event.data.customer_id,
        product_id=product_id,
        checkout_id=event.data.checkout_id,
        **values,
    )
    period = (values.get("period_start"), values.get("period_end"))
    has_moved = before is not None and before != (None, None) and before != period
    if is_news and not await following.follow(session, event.subject, cycle=has_moved):
        raise Retry(SOON, f"product {product_id} is not known yet")
