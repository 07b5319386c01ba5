"""Orders as the API shows them."""

from typing import Any
from uuid import UUID

from contracts import billing as contracts
from contracts.checkout import Address
from contracts.event import Instant
from pydantic import BaseModel
from servicekit.fields import AddressInput, Line

from billing.customers.schemas import CustomerRead, spoken
from billing.organizations.schemas import product_for_customers


class OrderRead(contracts.Order):
    """An order; `amount` is what the documented API calls the net amount."""

    customer: CustomerRead
    amount: int

    @classmethod
    def of(cls, order: contracts.Order) -> "OrderRead":
        """An order in the dialect of the request in hand."""
        fields = order.model_dump()
        fields |= {"customer": spoken(fields["customer"]), "amount": order.net_amount}
        return cls.model_validate(fields, context={"tolerant": True})


class OrderUpdate(BaseModel):
    """What may change of an order: who the invoice is made out to. What is absent stays."""

    billing_name: Line | None = None
    billing_address: AddressInput | None = None


class CustomerOrderPaymentStatus(BaseModel):
    """Whether an order was paid; `error` says why not."""

    status: str
    error: str | None = None


class CustomerOrder(BaseModel):
    """An order as its customer sees it: without the merchant's metadata and fees. Amounts are minor units."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    status: str
    paid: bool
    subtotal_amount: int
    discount_amount: int
    net_amount: int
    tax_amount: int
    total_amount: int
    applied_balance_amount: int
    due_amount: int
    refunded_amount: int
    refunded_tax_amount: int
    refundable_amount: int
    refundable_tax_amount: int
    currency: str
    billing_reason: str
    billing_name: str | None
    billing_address: Address | None
    invoice_number: str | None
    is_invoice_generated: bool
    receipt_number: str | None
    seats: int | None
    units: int | None
    customer_id: UUID
    product_id: UUID | None
    discount_id: UUID | None
    subscription_id: UUID | None
    checkout_id: UUID | None
    next_payment_attempt_at: Instant | None
    product: dict[str, Any] | None
    subscription: dict[str, Any] | None
    items: list[contracts.OrderItem]
    description: str

    @classmethod
    def of(cls, order: contracts.Order, organization: dict[str, Any]) -> "CustomerOrder":
        """`organization` is the seller as customers see it."""
        fields = order.model_dump(mode="json")
        product, subscription = fields["product"], fields["subscription"]
        if product is not None:
            fields["product"] = product_for_customers(product, organization)
        if subscription is not None:
            fields["subscription"] = {name: value for name, value in subscription.items() if name != "metadata"}
        return cls.model_validate(fields, extra="ignore")
