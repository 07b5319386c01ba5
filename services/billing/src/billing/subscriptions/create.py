"""Subscriptions that a merchant gives: to products that cost nothing. What costs something is bought at a checkout."""

from contracts import billing as contracts
from contracts.billing import OrderCreatedV1
from contracts.catalog import Price, Product
from servicekit import clock, ids
from servicekit.auth import Principal
from servicekit.errors import InvalidInput
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import queries as customers
from billing.customers.models import Customer
from billing.orders.create import Terms, open_order, tell
from billing.organizations.operations import shape_of
from billing.payment_methods.agreements import AgreedBy, pay_with
from billing.payments import collect
from billing.products.operations import awaited_product
from billing.subscriptions import events
from billing.subscriptions.models import BILLABLE, Subscription, next_period_end
from billing.subscriptions.operations import tell_of_start
from billing.subscriptions.orders import price_line
from billing.subscriptions.schemas import SubscriptionCreate


async def create(session: AsyncSession, principal: Principal, wish: SubscriptionCreate) -> contracts.Subscription:
    """Subscribes a customer to a free product, with an order of nothing. Raises `InvalidInput` naming the field.

    One that has an active subscription gets another where the organization allows several (Polar's rule).
    """
    product = await awaited_product(session, principal.organization(), wish.product_id)
    price = _free_price(product)
    assert product is not None
    customer = await _locked(session, principal, wish)
    await _ensure_first(session, customer, wish)
    now = clock.now()
    interval, count = product.recurring_interval or "month", product.recurring_interval_count or 1
    subscription = Subscription(
        id=ids.uuid7(),
        organization_id=customer.organization_id,
        created_at=now,
        status="active",
        customer_id=customer.id,
        product_id=product.id,
        price_id=price.id,
        amount=0,
        currency=price.price_currency,
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
        price_data=price.model_dump(mode="json"),
    )
    session.add(subscription)
    pay_with(session, subscription, None, AgreedBy.SELLER)
    await session.flush()
    order = await open_order(
        session,
        customer=customer,
        lines=[price_line(subscription)],
        terms=Terms(
            billing_reason="subscription_create",
            currency=subscription.currency,
            description=product.name,
            product=subscription.product_data,
            period_start=now,
            metadata=wish.metadata,
        ),
        subscription=subscription,
        at=now,
    )
    tell_of_start(session, subscription, customer, "created")
    tell(session, order, customer, subscription, OrderCreatedV1, at=now)
    await collect.settle_free(session, order, customer, subscription, now)
    tell_of_start(session, subscription, customer, "active")
    return events.shape(subscription, customer)


def _free_price(product: Product | None) -> Price:
    """The free price of a recurring product, in the first currency that has one."""
    field = ("body", "product_id")
    if product is None or product.is_deleted:
        raise InvalidInput(field, "This product does not exist")
    if product.is_archived or product.visibility == "draft":
        raise InvalidInput(field, "This product is not on sale")
    if not product.is_recurring:
        raise InvalidInput(field, "This product is not a subscription")
    for price in product.prices:
        if price.amount_type == "fixed" and price.price_amount == 0 and not price.is_archived:
            return price
    raise InvalidInput(field, "This product is not free: it is bought at a checkout")


async def _locked(session: AsyncSession, principal: Principal, wish: SubscriptionCreate) -> Customer:
    name = "customer_id" if wish.customer_id is not None else "external_customer_id"
    if wish.customer_id is not None and wish.external_customer_id is not None:
        raise InvalidInput(("body", "external_customer_id"), "Either customer_id or external_customer_id")
    if getattr(wish, name) is None:
        raise InvalidInput(("body", "customer_id"), "Field required", "missing")
    customer = await customers.find(
        session, principal, id=wish.customer_id, external_id=wish.external_customer_id, lock=True
    )
    if customer is None:
        raise InvalidInput(("body", name), "This customer does not exist")
    return customer


async def _ensure_first(session: AsyncSession, customer: Customer, wish: SubscriptionCreate) -> None:
    seller = await shape_of(session, customer.organization_id)
    if (seller.get("subscription_settings") or {}).get("allow_multiple_subscriptions"):
        return
    another = select(Subscription.id).where(
        Subscription.customer_id == customer.id, Subscription.status.in_(BILLABLE), Subscription.ended_at.is_(None)
    )
    if (await session.execute(another.limit(1))).first() is not None:
        name = "customer_id" if wish.customer_id is not None else "external_customer_id"
        raise InvalidInput(("body", name), "This customer has an active subscription")
