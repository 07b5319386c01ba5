"""Giving a customer a subscription without a checkout: of a free product only, since nobody is there to pay."""

from contracts import billing as contracts
from contracts.billing import OrderCreatedV1
from servicekit import clock, ids
from servicekit.auth import Principal
from servicekit.errors import InvalidInput
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import queries as customers
from billing.orders.create import tell
from billing.payments import collect
from billing.products.operations import awaited_product
from billing.subscriptions import operations, queries
from billing.subscriptions.models import Subscription, next_period_end
from billing.subscriptions.renewals import bill_period, surroundings
from billing.subscriptions.schemas import SubscriptionCreate


async def create(session: AsyncSession, principal: Principal, wish: SubscriptionCreate) -> contracts.Subscription:
    """Begins a subscription of a free product: active, with an order of nothing, which is paid.

    Raises `InvalidInput` for a customer or product that does not exist, is not recurring, or costs something.
    """
    customer = await customers.find(session, principal, id=wish.customer_id, lock=True)
    if customer is None:
        raise InvalidInput(("body", "customer_id"), "Customer does not exist")
    product = await awaited_product(session, customer.organization_id, wish.product_id)
    if product is None or product.is_archived:
        raise InvalidInput(("body", "product_id"), "Product does not exist, or is archived")
    if not product.is_recurring:
        raise InvalidInput(("body", "product_id"), "Only a recurring product can be subscribed to")
    free = next((one for one in product.prices if one.amount_type == "fixed" and one.price_amount == 0), None)
    if free is None:
        raise InvalidInput(("body", "product_id"), "This product is not free: sell it by a checkout")
    now = clock.now()
    interval, count = product.recurring_interval or "month", product.recurring_interval_count or 1
    subscription = Subscription(
        id=ids.uuid7(),
        organization_id=customer.organization_id,
        created_at=now,
        status="active",
        customer_id=customer.id,
        product_id=product.id,
        price_id=free.id,
        amount=0,
        currency=free.price_currency,
        recurring_interval=interval,
        recurring_interval_count=count,
        anchor_day=now.day,
        started_at=now,
        current_period_start=now,
        current_period_end=next_period_end(now, interval, count, now.day),
        cancel_at_period_end=False,
        pause_at_period_end=False,
        user_metadata=wish.metadata,
        custom_field_data={},
        product_data=product.model_dump(mode="json"),
        price_data=free.model_dump(mode="json"),
    )
    session.add(subscription)
    around = await surroundings(session, [(subscription, customer)])
    order = await bill_period(session, subscription, customer, around, now, "subscription_create")
    await session.flush()
    operations.tell_of_start(session, subscription, customer, "created")
    tell(session, order, customer, subscription, OrderCreatedV1, at=now)
    await collect.settle_free(session, order, customer, subscription, now)
    operations.tell_of_start(session, subscription, customer, "active")
    return (await queries.shapes(session, [subscription]))[0]
