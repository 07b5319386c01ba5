"""What is said about orders."""

from datetime import datetime
from typing import Any, TypeVar

from contracts import billing as contracts
from contracts.catalog import Product
from contracts.checkout import Address, Discount, ImmediateDeliveryConsent, TaxItem
from contracts.event import Event

from billing.customers import events as customers
from billing.customers.models import Customer
from billing.orders.models import Order, OrderItem
from billing.subscriptions import events as subscriptions
from billing.subscriptions.models import Subscription

Told = TypeVar("Told", bound=Event[contracts.Order])
_TOLERANT: Any = {"extra": "ignore", "context": {"tolerant": True}}


def shape(order: Order, customer: Customer, subscription: Subscription | None) -> contracts.Order:
    """The public shape of an order."""
    return contracts.Order(
        id=order.id,
        created_at=order.created_at,
        modified_at=order.modified_at,
        organization_id=order.organization_id,
        status=order.status,
        paid=order.is_paid,
        subtotal_amount=order.subtotal_amount,
        discount_amount=order.discount_amount,
        net_amount=order.net_amount,
        tax_amount=order.tax_amount,
        total_amount=order.total_amount,
        applied_balance_amount=order.applied_balance_amount,
        due_amount=order.due_amount,
        refunded_amount=order.refunded_amount,
        refunded_tax_amount=order.refunded_tax_amount,
        refundable_amount=order.refundable_amount,
        refundable_tax_amount=order.refundable_tax_amount,
        platform_fee_amount=order.platform_fee_amount,
        platform_fee_currency=order.currency if order.platform_fee_amount else None,
        currency=order.currency,
        billing_reason=order.billing_reason,
        billing_name=order.billing_name,
        billing_address=Address.model_validate(order.billing_address) if order.billing_address else None,
        invoice_number=order.invoice_number,
        is_invoice_generated=order.invoice_checksum is not None,
        receipt_number=order.receipt_number,
        seats=order.seats,
        units=order.units,
        next_payment_attempt_at=order.next_payment_attempt_at,
        customer_id=order.customer_id,
        product_id=order.product_id,
        discount_id=order.discount_id,
        subscription_id=order.subscription_id,
        checkout_id=order.checkout_id,
        metadata=order.user_metadata,
        custom_field_data=order.custom_field_data,
        description=order.description,
        customer=customers.shape(customer),
        product=Product.model_validate(order.product_data, **_TOLERANT) if order.product_data else None,
        discount=Discount.model_validate(order.discount_data, **_TOLERANT) if order.discount_data else None,
        subscription=subscriptions.summary(subscription) if subscription else None,
        items=[_item(item) for item in order.items],
        benefits_revoked_at=order.benefits_revoked_at,
        tax_behavior=order.tax_behavior,
        tax_breakdown=[TaxItem.model_validate(item, **_TOLERANT) for item in order.tax_breakdown]
        if order.tax_breakdown is not None
        else None,
        tax_id=order.tax_id,
        immediate_delivery_consent=_consent(order),
    )


def _consent(order: Order) -> ImmediateDeliveryConsent | None:
    given = order.immediate_delivery_consent
    return ImmediateDeliveryConsent.model_validate(given, **_TOLERANT) if given else None


def _item(item: OrderItem) -> contracts.OrderItem:
    return contracts.OrderItem(
        id=item.id,
        created_at=item.created_at,
        modified_at=None,
        label=item.label,
        amount=item.amount,
        tax_amount=item.tax_amount,
        proration=item.proration,
        product_price_id=item.product_price_id,
        start_timestamp=item.start_timestamp,
        end_timestamp=item.end_timestamp,
    )


def told(contract: type[Told], order: Order, data: contracts.Order, at: datetime) -> Told:
    """One of the events about an order, with its shape after the change."""
    return contract(subject=order.id, organization_id=order.organization_id, time=at, data=data)
