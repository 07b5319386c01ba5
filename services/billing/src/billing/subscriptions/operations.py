"""What can be done with subscriptions. What is said of a change comes in one order: updated, then what it was."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts import billing as contracts
from contracts.billing import (
    SubscriptionActiveV1,
    SubscriptionCanceledV1,
    SubscriptionCreatedV1,
    SubscriptionRevokedV1,
    SubscriptionUncanceledV1,
    SubscriptionUpdatedV1,
)
from contracts.checkout import Purchase
from contracts.event import Event
from servicekit import clock, outbox
from servicekit.auth import Principal
from servicekit.errors import ResourceNotFound
from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import queries as customers
from billing.customers.models import Customer
from billing.mails import operations as mails
from billing.orders.dunning import void_pending, write_off
from billing.orders.models import Order
from billing.payment_methods.agreements import AgreedBy, pay_with
from billing.payment_methods.models import PaymentMethod
from billing.subscriptions import entries, events, queries
from billing.subscriptions.errors import InactiveSubscription, SubscriptionLocked, SubscriptionNotScheduledToCancel
from billing.subscriptions.models import Subscription, next_period_end
from billing.subscriptions.orders import Surroundings, bill_rest
from billing.subscriptions.schemas import REASONS, SubscriptionCancel, SubscriptionUpdate

Told = Sequence[type[Event[contracts.Subscription]]]


def start(
    session: AsyncSession, purchase: Purchase, customer: Customer, method: PaymentMethod | None, agreed_by: AgreedBy
) -> Subscription:
    """Begins the subscription of a purchase: active in its first period, or in its trial."""
    assert purchase.subscription_id is not None
    subscription = Subscription(
        id=purchase.subscription_id,
        organization_id=purchase.organization_id,
        created_at=clock.now(),
        customer_id=customer.id,
        started_at=purchase.succeeded_at,
        cancel_at_period_end=False,
        pause_at_period_end=False,
        user_metadata=purchase.metadata,
        **terms_of(purchase),
    )
    session.add(subscription)
    pay_with(session, subscription, method.id if method else None, agreed_by)
    return subscription


def terms_of(purchase: Purchase) -> dict[str, Any]:
    """What a purchase sets on its subscription, by column: product, price, period, trial and discount."""
    began = purchase.succeeded_at
    product, discount = purchase.product, purchase.discount
    interval, count = product.recurring_interval or "month", product.recurring_interval_count or 1
    is_trial = purchase.trial_end is not None and purchase.trial_end > began
    keeps = discount if discount and (is_trial or discount.duration != "once") else None
    end = purchase.trial_end if is_trial else next_period_end(began, interval, count, began.day)
    return {
        "status": "trialing" if is_trial else "active",
        "product_id": product.id,
        "price_id": purchase.price.id,
        "discount_id": keeps.id if keeps else None,
        "checkout_id": purchase.checkout_id,
        "amount": purchase.amount,
        "currency": purchase.currency,
        "tax_behavior": purchase.tax_behavior,
        "seats": purchase.seats,
        "units": purchase.units,
        "recurring_interval": interval,
        "recurring_interval_count": count,
        "anchor_day": began.day,
        "current_period_start": began,
        "current_period_end": end,
        "trial_start": began if is_trial else None,
        "trial_end": end if is_trial else None,
        "discount_applied_at": began if keeps and not is_trial and purchase.discount_amount else None,
        "custom_field_data": purchase.custom_field_data,
        "product_data": product.model_dump(mode="json"),
        "price_data": purchase.price.model_dump(mode="json"),
        "discount_data": keeps.model_dump(mode="json") if keeps else None,
        "period_discount_data": discount.model_dump(mode="json") if discount and not is_trial else None,
        "set_aside_discount_data": None,
    }


def tell_of_start(session: AsyncSession, subscription: Subscription, customer: Customer, *kinds: str) -> None:
    """Says that a subscription exists (`created`) or that its benefits are owed (`active`)."""
    contracts_of: dict[str, Told] = {
        "created": [SubscriptionCreatedV1],
        "active": [SubscriptionActiveV1, SubscriptionUpdatedV1],
    }
    data = events.shape(subscription, customer)
    for kind in kinds:
        for contract in contracts_of[kind]:
            event = events.told(contract, subscription, data, subscription.started_at)
            outbox.record(session, event)


async def get(session: AsyncSession, principal: Principal, id: UUID) -> contracts.Subscription:
    """Raises `ResourceNotFound`."""
    return (await queries.shapes(session, [await _owned(session, principal, id)]))[0]


async def update(
    session: AsyncSession, principal: Principal, id: UUID, changes: SubscriptionUpdate
) -> contracts.Subscription:
    """Ends a subscription, or changes its metadata. Raises `ResourceNotFound` and what `change` raises."""
    subscription, _ = await locked(session, principal, id)
    return await change(session, subscription, changes)


async def change(
    session: AsyncSession, subscription: Subscription, changes: SubscriptionUpdate, *, is_mailed: bool = True
) -> contracts.Subscription:
    """Cancels a subscription that the caller has locked (its customer first), takes that back, or ends it.

    Unless it `is_mailed`, the caller writes the mail about it.
    Raises `AlreadyCanceledSubscription`, `InactiveSubscription` for a paused one, `SubscriptionNotScheduledToCancel`,
    or `SubscriptionLocked` while a change is being paid.
    """
    now = clock.now()
    if subscription.open_change_id is not None:
        raise SubscriptionLocked("A change of this subscription is being paid; try again in a moment")
    told: list[type[Event[contracts.Subscription]]] = [SubscriptionUpdatedV1]
    if changes.revoke:
        told += _end(subscription, now)
    elif changes.cancel_at_period_end is True:
        if subscription.status == "paused":
            raise InactiveSubscription("This subscription is paused: it can be ended, not canceled")
        subscription.cancel(now)
        told.append(SubscriptionCanceledV1)
    elif changes.cancel_at_period_end is False:
        if subscription.ended_at is None and not subscription.cancel_at_period_end:
            raise SubscriptionNotScheduledToCancel("This subscription is not scheduled to be canceled")
        subscription.uncancel(now)
        told.append(SubscriptionUncanceledV1)
    if changes.cancel_at_period_end is not False:
        _explain(subscription, changes.customer_cancellation_reason, changes.customer_cancellation_comment)
    if changes.metadata is not None:
        subscription.user_metadata = changes.metadata
    subscription.modified_at = now
    data = await _tell(session, subscription, told, now, is_mailed=is_mailed)
    if changes.revoke:
        await write_off(session, subscription, await session.get_one(Customer, subscription.customer_id), now)
    return data


async def revoke(session: AsyncSession, principal: Principal, id: UUID) -> contracts.Subscription:
    """Ends a subscription now. Raises `ResourceNotFound` or `AlreadyCanceledSubscription`."""
    return await update(session, principal, id, SubscriptionUpdate(revoke=True))


async def cancel(
    session: AsyncSession, principal: Principal, id: UUID, wish: SubscriptionCancel
) -> contracts.Subscription:
    """The documented cancel. A reason that is not one of the known words is kept as the comment of `other`."""
    reason, comment = wish.reason, wish.comment
    if reason is not None and reason not in REASONS:
        reason, comment = "other", comment or reason
    fields = {"customer_cancellation_reason": reason, "customer_cancellation_comment": comment}
    when = {"cancel_at_period_end": True} if wish.cancel_at_period_end else {"revoke": True}
    return await update(session, principal, id, SubscriptionUpdate.model_validate({**fields, **when}))


async def revoke_of_customer(session: AsyncSession, customer: Customer) -> None:
    """Ends what a deleted customer still has, and voids what subscriptions that are over still owe."""
    owes = exists().where(Order.subscription_id == Subscription.id, Order.status == "pending")
    found = select(Subscription).where(
        Subscription.customer_id == customer.id, or_(Subscription.ended_at.is_(None), owes)
    )
    now = clock.now()
    for subscription in (await session.execute(found.order_by(Subscription.id).with_for_update())).scalars().all():
        if subscription.ended_at is None:
            await _end_and_write_off(session, subscription, customer, now)
        else:
            await write_off(session, subscription, customer, now)


async def end_at_once(session: AsyncSession, customer: Customer, subscription_id: UUID) -> bool:
    """Ends a subscription of a customer that the caller has locked, also while a change of it is being paid.

    Such a payment is given back when it succeeds. Returns False where it had ended already, or is not known.
    """
    found = select(Subscription).where(Subscription.id == subscription_id, Subscription.customer_id == customer.id)
    locked = found.with_for_update().execution_options(populate_existing=True)
    subscription = (await session.execute(locked)).scalar_one_or_none()
    if subscription is None or subscription.ended_at is not None:
        return False
    await _end_and_write_off(session, subscription, customer, clock.now())
    return True


async def _end_and_write_off(
    session: AsyncSession, subscription: Subscription, customer: Customer, now: datetime
) -> None:
    await _tell(session, subscription, [SubscriptionUpdatedV1, *_end(subscription, now)], now)
    await write_off(session, subscription, customer, now)


async def end_with_period(
    session: AsyncSession, subscription: Subscription, customer: Customer, around: Surroundings
) -> None:
    """The period of a canceled subscription is over: what waits is billed, what it owed before is void.

    `around` is as before that: lines of an order that nobody paid are not billed again. The caller has locked both.
    """
    now = clock.now()
    subscription.end(now)
    await _tell(session, subscription, [SubscriptionUpdatedV1, SubscriptionRevokedV1], now)
    await void_pending(session, subscription, customer, now)
    await bill_rest(session, subscription, customer, around, now)
    await entries.drop(session, subscription, now)


def _end(subscription: Subscription, now: datetime) -> Told:
    was_canceled = subscription.cancel_at_period_end
    subscription.end(now)
    return [SubscriptionRevokedV1] if was_canceled else [SubscriptionCanceledV1, SubscriptionRevokedV1]


def _explain(subscription: Subscription, reason: str | None, comment: str | None) -> None:
    if reason is not None:
        subscription.customer_cancellation_reason = reason
    if comment is not None:
        subscription.customer_cancellation_comment = comment


async def _tell(
    session: AsyncSession, subscription: Subscription, told: Told, at: datetime, *, is_mailed: bool = True
) -> contracts.Subscription:
    data = (await queries.shapes(session, [subscription]))[0]
    outbox.record(session, *(events.told(contract, subscription, data, at) for contract in told))
    if is_mailed:
        customer = await session.get_one(Customer, subscription.customer_id)
        await mails.write_of_events(session, subscription, customer, told, at)
    return data


async def locked(session: AsyncSession, principal: Principal, id: UUID) -> tuple[Subscription, Customer]:
    """A subscription of the caller and its customer, locked: the customer first. Raises `ResourceNotFound`."""
    seen = await _owned(session, principal, id)
    customer = await customers.lock(session, seen.customer_id)
    found = await queries.find(session, principal, id, lock=True)
    if found is None:
        raise ResourceNotFound()
    return found, customer


async def _owned(session: AsyncSession, principal: Principal, id: UUID) -> Subscription:
    subscription = await queries.find(session, principal, id)
    if subscription is None:
        raise ResourceNotFound()
    return subscription
