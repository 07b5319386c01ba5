"""Who may buy a subscription where the seller sells each customer one (Polar's default), and who may upgrade one."""

from datetime import timedelta
from uuid import UUID

from servicekit import clock
from servicekit.database import awaited
from servicekit.errors import InvalidInput, NotPermitted
from servicekit.locks import one_at_a_time
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts.models import Checkout
from checkout.organizations.queries import subscription_settings
from checkout.subscriptions.models import Subscription

NEWS_TAKES = timedelta(days=1)
"""For how long a purchase counts as a subscription that billing has not told of yet."""


class AlreadyActiveSubscriptionError(NotPermitted):
    """The customer has a subscription, and this seller sells each customer one."""


class SubscriptionNotUpgradable(NotPermitted):
    """The subscription has ended or is not free any more, so that the checkout cannot upgrade it."""


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
    await one_at_a_time(session, f"subscriptions of {customer_id}")
    has_one = exists().where(
        Subscription.customer_id == customer_id,
        Subscription.organization_id == checkout.organization_id,
        Subscription.goes_on,
    )
    buys_one = exists().where(
        *_bought_lately(checkout),
        Checkout.customer_id == customer_id,
        Checkout.subscription_id.is_not(None),
        Checkout.upgraded_subscription_id.is_(None),
        ~exists().where(Subscription.id == Checkout.subscription_id),
    )
    if (await session.execute(select(has_one | buys_one))).scalar_one():
        raise AlreadyActiveSubscriptionError("You already have an active subscription")


async def upgradable(session: AsyncSession, organization_id: UUID, subscription_id: UUID) -> Subscription:
    """The free subscription that a checkout is to upgrade; waits up to a second for one that was created a moment ago.

    Raises `InvalidInput` unless it is the organization's, active, and on a free price. Source: Polar,
    server/polar/checkout/schemas.py `subscription_id`.
    """
    statement = select(Subscription).where(
        Subscription.id == subscription_id, Subscription.organization_id == organization_id
    )

    async def known() -> Subscription | None:
        return (await session.execute(statement)).scalar_one_or_none()

    found = await awaited(known)
    if found is None:
        raise InvalidInput(("body", "subscription_id"), "Subscription does not exist")
    if not found.is_upgradable:
        raise InvalidInput(("body", "subscription_id"), "Only an active subscription to a free price can be upgraded")
    return found


async def ensure_upgradable(session: AsyncSession, checkout: Checkout, customer_id: UUID) -> None:
    """Decides again whether a checkout can upgrade its subscription, before money moves.

    Two confirmations of one customer come one after the other; another checkout that is being paid for the same
    subscription counts at once. Raises `SubscriptionNotUpgradable`.
    """
    await one_at_a_time(session, f"subscriptions of {customer_id}")
    is_free = exists().where(
        Subscription.id == checkout.upgraded_subscription_id,
        Subscription.organization_id == checkout.organization_id,
        Subscription.is_upgradable.is_(True),
    )
    is_bought = exists().where(
        *_bought_lately(checkout),
        Checkout.upgraded_subscription_id == checkout.upgraded_subscription_id,
        ~exists().where(Subscription.checkout_id == Checkout.id),
    )
    row = (await session.execute(select(is_free.label("is_free"), is_bought.label("is_bought")))).one()
    if row.is_bought:
        raise SubscriptionNotUpgradable("This subscription was upgraded by another checkout")
    if not row.is_free:
        raise SubscriptionNotUpgradable("This subscription has ended, or it is not free any more")


def _bought_lately(checkout: Checkout) -> tuple[ColumnElement[bool], ...]:
    """Other checkouts of the seller that are paid, or being paid, but for those that wait for the buyer's bank."""
    return (
        Checkout.organization_id == checkout.organization_id,
        Checkout.id != checkout.id,
        Checkout.status.in_(("confirmed", "succeeded")),
        Checkout.confirmed_at > clock.now() - NEWS_TAKES,
        ~((Checkout.status == "confirmed") & Checkout.processor_metadata.has_key("intent_client_secret")),
    )
