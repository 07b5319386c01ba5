"""Orders, and the purchase that becomes one."""

from uuid import UUID

import structlog
from contracts import billing as contracts
from contracts.billing import OrderCreatedV1, OrderPaidV1, OrderUpdatedV1
from contracts.checkout import Purchase
from servicekit import clock, ids, outbox
from servicekit.auth import Principal
from servicekit.errors import InvalidInput, ResourceNotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import operations as customers
from billing.customers.models import Customer
from billing.ledger import operations as ledger
from billing.orders import events, queries
from billing.orders.models import Order, OrderItem
from billing.orders.schemas import CustomerOrderPaymentStatus, OrderUpdate
from billing.payments import operations as payments
from billing.subscriptions import operations as subscriptions
from billing.subscriptions.models import Subscription

log = structlog.get_logger()


async def get(session: AsyncSession, principal: Principal, id: UUID) -> contracts.Order:
    """Raises `ResourceNotFound`."""
    order = await queries.find(session, principal, id)
    if order is None:
        raise ResourceNotFound()
    return (await queries.shapes(session, [order]))[0]


async def update(session: AsyncSession, principal: Principal, id: UUID, changes: OrderUpdate) -> contracts.Order:
    """Makes the invoice out to another name or address, in the same country: the tax was computed for it.

    Raises `ResourceNotFound`, or `InvalidInput` for what is taken away, or for another country.
    """
    order = await queries.find(session, principal, id, lock=True)
    if order is None:
        raise ResourceNotFound()
    given = changes.model_dump(exclude_unset=True)
    for name, value in given.items():
        if value is None:
            raise InvalidInput(("body", name), "cannot be taken away")
    country = (order.billing_address or {}).get("country")
    if "billing_address" in given and country and given["billing_address"]["country"] != country:
        raise InvalidInput(("body", "billing_address", "country"), f"The tax of this order is that of {country}")
    for name, value in given.items():
        setattr(order, name, value)
    order.modified_at = clock.now()
    data = (await queries.shapes(session, [order]))[0]
    outbox.record(session, events.told(OrderUpdatedV1, order, data, order.modified_at))
    return data


async def payment_status(session: AsyncSession, principal: Principal, id: UUID) -> CustomerOrderPaymentStatus:
    """Whether an order was paid. Raises `ResourceNotFound`."""
    order = await queries.find(session, principal, id)
    if order is None:
        raise ResourceNotFound()
    return CustomerOrderPaymentStatus(status="succeeded" if order.status == "paid" else order.status)


async def open_of_purchase(session: AsyncSession, purchase: Purchase) -> None:
    """Writes down what a purchase makes: customer, subscription, order, payment and ledger entries, once.

    A second time for the same checkout does nothing. What is said comes in the order in which it became true.
    """
    customer = await customers.of_purchase(session, purchase.organization_id, purchase.customer)
    known = select(Order.id).where(Order.checkout_id == purchase.checkout_id)
    if (await session.execute(known)).first() is not None:
        log.info("order.known", checkout_id=str(purchase.checkout_id))
        return
    subscription = subscriptions.start(session, purchase, customer) if purchase.subscription_id else None
    order = _order(purchase, customer, subscription)
    session.add(order)
    if subscription is not None:
        subscriptions.tell_of_start(session, subscription, customer, "created")
    if purchase.payment is not None:
        payment = payments.keep(session, purchase, purchase.payment, customer.id)
        await session.flush()
        ledger.record_payment(session, payment, purchase.tax_amount)
    await session.flush()
    data = events.shape(order, customer, subscription)
    for contract in (OrderCreatedV1, OrderUpdatedV1, OrderPaidV1):
        outbox.record(session, events.told(contract, order, data, purchase.succeeded_at))
    if subscription is not None:
        subscriptions.tell_of_start(session, subscription, customer, "active")


def _order(purchase: Purchase, customer: Customer, subscription: Subscription | None) -> Order:
    now = clock.now()
    discount = purchase.discount
    item = OrderItem(
        id=ids.uuid7(),
        created_at=now,
        position=0,
        label=purchase.product.name,
        amount=purchase.amount,
        tax_amount=purchase.tax_amount,
        product_price_id=purchase.price.id,
        start_timestamp=subscription.current_period_start if subscription else None,
        end_timestamp=subscription.current_period_end if subscription else None,
    )
    return Order(
        id=purchase.order_id,
        organization_id=purchase.organization_id,
        created_at=now,
        status="paid",
        billing_reason="subscription_create" if subscription else "purchase",
        customer_id=customer.id,
        product_id=purchase.product.id,
        discount_id=discount.id if discount else None,
        subscription_id=subscription.id if subscription else None,
        checkout_id=purchase.checkout_id,
        subtotal_amount=purchase.amount,
        discount_amount=purchase.discount_amount,
        tax_amount=purchase.tax_amount,
        tax_behavior=purchase.tax_behavior,
        tax_breakdown=[item.model_dump() for item in purchase.tax_breakdown] if purchase.tax_breakdown else None,
        tax_computation=purchase.tax_computation,
        tax_calculation_id=purchase.tax_calculation_id,
        tax_id=[purchase.customer.tax_id, purchase.customer.tax_id_format]
        if purchase.customer.tax_id and purchase.customer.tax_id_format
        else None,
        total_amount=purchase.total_amount,
        currency=purchase.currency,
        seats=purchase.seats,
        units=purchase.units,
        billing_name=purchase.customer.billing_name or purchase.customer.name,
        billing_address=purchase.customer.billing_address.model_dump() if purchase.customer.billing_address else None,
        invoice_number=customer.next_invoice_number(),
        description=purchase.product.name,
        user_metadata=purchase.metadata,
        custom_field_data=purchase.custom_field_data,
        product_data=purchase.product.model_dump(mode="json"),
        discount_data=discount.model_dump(mode="json") if discount else None,
        items=[item],
    )
