"""Free subscriptions that a checkout upgrades: the same subscription, with the terms of the purchase from now on.

Source: Polar, server/polar/subscription/service.py `create_or_update_from_checkout`.
"""

from contracts.billing import SubscriptionUncanceledV1, SubscriptionUpdatedV1
from contracts.checkout import Purchase
from servicekit import outbox
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.mails import operations as mails
from billing.payment_methods.agreements import AgreedBy, pay_with
from billing.payment_methods.models import PaymentMethod
from billing.subscriptions import events, pending_updates
from billing.subscriptions.merging import price_of
from billing.subscriptions.models import ACTIVE, Subscription
from billing.subscriptions.operations import terms_of
from billing.subscriptions.orders import bill_rest, surroundings


async def locked(session: AsyncSession, purchase: Purchase, customer: Customer) -> Subscription | None:
    """The free subscription that a purchase upgrades, locked; the caller has locked the customer.

    None where the purchase upgrades none, or it has ended or is not free any more: what was paid for then begins as a
    subscription of its own.
    """
    if purchase.upgraded_subscription_id is None:
        return None
    statement = select(Subscription).where(
        Subscription.id == purchase.upgraded_subscription_id,
        Subscription.organization_id == purchase.organization_id,
        Subscription.customer_id == customer.id,
    )
    subscription = (await session.execute(statement.with_for_update())).scalar_one_or_none()
    return subscription if subscription is not None and _is_free(subscription) else None


async def apply(
    session: AsyncSession,
    subscription: Subscription,
    customer: Customer,
    purchase: Purchase,
    method: PaymentMethod | None,
    agreed_by: AgreedBy,
) -> bool:
    """Gives a subscription that the caller has locked the terms of a purchase, and a new period from it on.

    Whatever was scheduled for it (a change, a pause, its end) is dropped: it was bought anew. Lines that wait go into
    its next order, as the order of the purchase is what the checkout charged; where that order would be in another
    currency, or have its tax otherwise in the price, they are billed now. Metadata of the purchase joins what is there.
    Returns whether a cancellation was taken back.
    """
    was_canceled = subscription.cancel_at_period_end
    if method is not None:
        pay_with(session, subscription, method.id, agreed_by)
    before = subscription.currency, subscription.tax_behavior == "inclusive"
    if before != (purchase.currency, purchase.tax_behavior == "inclusive"):
        around = await surroundings(session, [(subscription, customer)])
        await bill_rest(session, subscription, customer, around, purchase.succeeded_at)
    await pending_updates.supersede(session, subscription)
    if was_canceled:
        subscription.uncancel(purchase.succeeded_at)
    for name, value in terms_of(purchase).items():
        setattr(subscription, name, value)
    subscription.pause_at_period_end = False
    subscription.resumes_at = subscription.reminded_for = None
    subscription.user_metadata = {**subscription.user_metadata, **purchase.metadata}
    subscription.modified_at = purchase.succeeded_at
    return was_canceled


async def record(session: AsyncSession, subscription: Subscription, customer: Customer, *, was_canceled: bool) -> None:
    """Records that a subscription was upgraded; benefits follow its product."""
    data = events.shape(subscription, customer)
    contracts = [SubscriptionUpdatedV1, *([SubscriptionUncanceledV1] if was_canceled else [])]
    at = subscription.current_period_start
    outbox.record(session, *(events.told(contract, subscription, data, at) for contract in contracts))
    await mails.write_of_events(session, subscription, customer, contracts, at)


def _is_free(subscription: Subscription) -> bool:
    price = price_of(subscription)
    is_active = subscription.ended_at is None and subscription.status in ACTIVE and subscription.open_change_id is None
    return is_active and subscription.amount == 0 and price.amount_type == "fixed" and price.price_amount == 0
