"""Billing a period that has begun: its price, and the lines that waited for it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.orders.create import Line, Terms, open_order
from billing.orders.models import BillingEntry, Order
from billing.subscriptions import discounts
from billing.subscriptions.models import Subscription


def price_line(subscription: Subscription) -> Line:
    """What the present period costs, before the discount."""
    quantity = subscription.seats if subscription.seats is not None else subscription.units
    return Line(
        label=subscription.product_data["name"],
        amount=subscription.amount,
        product_price_id=subscription.price_id,
        start=subscription.current_period_start,
        end=subscription.current_period_end,
        computation={
            "rule": "renewal",
            "inputs": {"amount": subscription.amount, "currency": subscription.currency, "quantity": quantity},
            "fraction": "1/1",
        },
    )


def entry_line(entry: BillingEntry) -> Line:
    """A line that waited."""
    return Line(
        label=entry.label,
        amount=entry.amount,
        proration=entry.proration,
        product_price_id=entry.product_price_id,
        start=entry.start_timestamp,
        end=entry.end_timestamp,
        computation=entry.computation,
        corrects=entry.corrects,
    )


async def bill_period(session: AsyncSession, customer: Customer, subscription: Subscription, at: datetime) -> Order:
    """Writes the order of the period that has just begun, with what waited for it. It says and charges nothing.

    The caller has locked customer and subscription, and applied what was pending.
    """
    statement = (
        select(BillingEntry)
        .where(BillingEntry.subscription_id == subscription.id, BillingEntry.order_id.is_(None))
        .order_by(BillingEntry.created_at, BillingEntry.id)
        .with_for_update()
    )
    entries = (await session.execute(statement)).scalars().all()
    discount = discounts.begin_period(subscription)
    order = await open_order(
        session,
        customer=customer,
        lines=[price_line(subscription), *(entry_line(entry) for entry in entries)],
        terms=Terms(
            billing_reason="subscription_cycle",
            currency=subscription.currency,
            description=subscription.product_data["name"],
            product=subscription.product_data,
            discount=discount,
            period_start=subscription.current_period_start,
            seats=subscription.seats,
            units=subscription.units,
            metadata=subscription.user_metadata,
            custom_field_data=subscription.custom_field_data,
        ),
        subscription=subscription,
        at=at,
    )
    for entry in entries:
        entry.order_id = order.id
    await session.flush()
    return order
