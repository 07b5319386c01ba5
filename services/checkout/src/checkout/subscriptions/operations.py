"""Sellers who sell each customer one subscription (Polar's rule, and its default): who may buy another."""

from datetime import timedelta
from uuid import UUID

from servicekit import clock
from servicekit.errors import NotPermitted
from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts.models import Checkout
from checkout.organizations.queries import subscription_settings
from checkout.subscriptions.models import Subscription

NEWS_TAKES = timedelta(days=1)
"""For how long a purchase counts as a subscription that billing has not told of yet."""


class AlreadyActiveSubscriptionError(NotPermitted):
    """The customer has a subscription, and this seller sells each customer one."""


async def ensure_first(session: AsyncSession, checkout: Checkout, customer_id: UUID) -> None:
    """Refuses a second subscription, where the seller does not allow several.

    Two confirmations of one customer come one after the other; what the first one buys counts at once, unless it waits
    for the buyer's bank. Raises `AlreadyActiveSubscriptionError`.
    """
    if not checkout.product_data["is_recurring"]:
        return
    settings = await subscription_settings(session, checkout.organization_id)
    if settings is None or settings.get("allow_multiple_subscriptions"):
        return
    name = f"subscriptions of {customer_id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    has_one = exists().where(
        Subscription.customer_id == customer_id,
        Subscription.organization_id == checkout.organization_id,
        Subscription.goes_on,
    )
    buys_one = exists().where(
        Checkout.organization_id == checkout.organization_id,
        Checkout.customer_id == customer_id,
        Checkout.id != checkout.id,
        Checkout.subscription_id.is_not(None),
        Checkout.status.in_(("confirmed", "succeeded")),
        Checkout.confirmed_at > clock.now() - NEWS_TAKES,
        ~((Checkout.status == "confirmed") & Checkout.processor_metadata.has_key("intent_client_secret")),
        ~exists().where(Subscription.id == Checkout.subscription_id),
    )
    if (await session.execute(select(has_one | buys_one))).scalar_one():
        raise AlreadyActiveSubscriptionError("You already have an active subscription")
