"""Orders, and the purchase that becomes one."""

from uuid import UUID

import structlog
from contracts import billing as contracts
from contracts.billing import OrderCreatedV1, OrderPaidV1, OrderUpdatedV1
from contracts.checkout import Purchase
from servicekit import clock, outbox
from servicekit.auth import Principal
from servicekit.errors import InvalidInput, ResourceNotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import operations as customers
from billing.customers.models import Customer
from billing.invoices.numbers import next_number
from billing.ledger.settlements import record_settlement
from billing.mails import operations as mails
from billing.orders import events, queries
from billing.orders.create import Line, Terms, tell, write_order
from billing.orders.models import Order
from billing.orders.schemas import CustomerOrderPaymentStatus, OrderUpdate
from billing.orders.tax import Tax
from billing.organizations.operations import shape_of
from billing.payment_methods import agreements
from billing.payment_methods import operations as payment_methods
from billing.payments import operations as payments
from billing.receipts import operations as receipts
from billing.subscriptions import operations as subscriptions
from billing.subscriptions import upgrade
from billing.subscriptions.models import Subscription
from billing.tax_transactions import operations as tax_transactions

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
    return CustomerOrderPaymentStatus(status="succeeded" if order.is_paid else order.status)


async def open_of_purchase(session: AsyncSession, purchase: Purchase) -> None:
    """Writes down what a purchase makes: customer, subscription, order, payment and ledger entries, once.

    A second time for the same checkout does nothing. What is said comes in the order in which it became true.
    """
    customer, is_new = await customers.of_purchase(session, purchase.organization_id, purchase.customer)
    known = select(Order.id).where(Order.checkout_id == purchase.checkout_id)
    if (await session.execute(known)).first() is not None:
        log.info("order.known", checkout_id=str(purchase.checkout_id))
        return
    now = purchase.succeeded_at
    method = await payment_methods.keep_of_purchase(session, purchase, customer, is_new=is_new)
    agreed_by = agreements.of_purchase(purchase, is_new=is_new)
    subscription, was_canceled = await upgrade.locked(session, purchase, customer), False
    is_upgrade = subscription is not None
    if subscription is not None:
        was_canceled = await upgrade.apply(session, subscription, customer, purchase, method, agreed_by)
    elif purchase.subscription_id:
        subscription = subscriptions.start(session, purchase, customer, method, agreed_by)
    order = await _order(session, purchase, customer, subscription, is_upgrade=is_upgrade)
    if subscription is not None and not is_upgrade:
        subscriptions.tell_of_start(session, subscription, customer, "created")
    payment = payments.keep(session, purchase, purchase.payment, customer.id, method) if purchase.payment else None
    order.pay(now)
    is_authenticated = purchase.customer.is_named
    await receipts.give(session, [(order, customer)], is_authenticated=is_authenticated)
    await mails.notify_of_sale(session, order, customer)
    await session.flush()
    record_settlement(session, order, payment, now)
    tax_transactions.keep_sale(session, order)
    for contract in (OrderCreatedV1, OrderUpdatedV1, OrderPaidV1):
        tell(session, order, customer, subscription, contract, at=now)
    if subscription is not None and is_upgrade:
        await upgrade.record(session, subscription, customer, was_canceled=was_canceled)
    elif subscription is not None:
        subscriptions.tell_of_start(session, subscription, customer, "active")


async def _order(
    session: AsyncSession,
    purchase: Purchase,
    customer: Customer,
    subscription: Subscription | None,
    *,
    is_upgrade: bool,
) -> Order:
    """The order as it was sold: amounts, discount and tax are those of the checkout, and its payment was made.

    That of an upgrade guards no period: another order of the subscription may be of the same instant, and the checkout
    is ordered once anyway.
    """
    start = subscription.current_period_start if subscription else None
    reason = "subscription_update" if is_upgrade else "subscription_create"
    is_trial = subscription is not None and subscription.trial_end is not None
    line = Line(
        label=f"Trial of {purchase.product.name}" if is_trial else purchase.product.name,
        amount=0 if is_trial else purchase.amount,
        product_price_id=purchase.price.id,
        start=start,
        end=subscription.current_period_end if subscription else None,
        discount_amount=0 if is_trial else purchase.discount_amount,
        computation={
            "rule": "trial" if is_trial else "price",
            "inputs": {"amount": purchase.amount, "seats": purchase.seats, "units": purchase.units},
            "fraction": "0" if is_trial else "1",
        },
    )
    buyer, consent = purchase.customer, purchase.immediate_delivery_consent
    behavior = purchase.tax_behavior or ("exclusive" if purchase.tax_amount else None)
    terms = Terms(
        id=purchase.order_id,
        uses_balance=False,
        billing_reason=reason if subscription else "purchase",
        currency=purchase.currency,
        description=purchase.product.name,
        product=purchase.product.model_dump(mode="json"),
        discount=purchase.discount.model_dump(mode="json") if purchase.discount else None,
        checkout_id=purchase.checkout_id,
        period_start=None if is_upgrade else start,
        seats=purchase.seats,
        units=purchase.units,
        billing_name=purchase.customer.billing_name or purchase.customer.name,
        billing_address=purchase.customer.billing_address.model_dump() if purchase.customer.billing_address else None,
        metadata=purchase.metadata,
        custom_field_data=purchase.custom_field_data,
        uses_profile=purchase.customer.is_named,
        view_hash=bytes.fromhex(purchase.client_secret_hash) if purchase.client_secret_hash else None,
        is_business_customer=purchase.is_business_customer,
        immediate_delivery_consent=consent.model_dump(mode="json") if consent else None,
    )
    seller = await shape_of(session, customer.organization_id)
    return write_order(
        session,
        customer=customer,
        lines=[line],
        terms=terms,
        seller=seller,
        number=await next_number(session, customer, seller),
        balance=None,
        subscription=subscription,
        tax=Tax(behavior=behavior)
        if is_trial
        else Tax(
            purchase.tax_amount,
            behavior,
            [item.model_dump() for item in purchase.tax_breakdown] if purchase.tax_breakdown else None,
            [purchase.tax_amount],
            [buyer.tax_id, buyer.tax_id_format] if buyer.tax_id and buyer.tax_id_format else None,
            purchase.tax_computation,
            purchase.tax_calculation_id,
        ),
    )
