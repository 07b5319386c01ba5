"""Orders as the API shows them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from contracts import billing as contracts
from contracts.checkout import Address
from contracts.event import Instant
from pricing.currencies import CurrencyCode
from pydantic import BaseModel, Field
from servicekit.bodies import at_most
from servicekit.fields import AddressInput, Line, MetadataInput
from servicekit.inputs import Input

from billing.customers.schemas import CustomerRead
from billing.organizations.schemas import product_for_customers


class OrderRead(contracts.Order):
    """An order; `amount` is what the documented API calls the net amount."""

    customer: CustomerRead
    amount: int

    @classmethod
    def of(cls, order: contracts.Order) -> "OrderRead":
        """An order in the dialect of the request in hand. What is valid already is not validated again."""
        return cls.model_construct(
            **{**vars(order), "customer": CustomerRead.of(order.customer), "amount": order.net_amount}
        )


class OrderUpdate(Input):
    """What may change of an order: who the invoice is made out to. What is absent stays."""

    billing_name: Line | None = None
    billing_address: AddressInput | None = None


class OrderCreate(Input):
    """A draft of an order for a one-time product. `amount`, in minor units, takes the place of the price."""

    customer_id: UUID
    product_id: UUID
    organization_id: UUID | None = None
    currency: CurrencyCode | None = None
    amount: Annotated[int, Field(strict=True, ge=0, le=99_999_999)] | None = None
    units: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)] | None = None
    description: Line | None = None
    metadata: MetadataInput = {}
    custom_field_data: Annotated[dict[str, str | int | float | bool | None], at_most(100)] = {}


class OrderFinalize(Input):
    """With which saved payment method of the customer a draft is charged; their default where it is absent."""

    payment_method_id: UUID | None = None


class CustomerOrderConfirmPayment(Input):
    """With what an order is paid that was not: a saved payment method, or a new card's confirmation token."""

    confirmation_token_id: Annotated[str, Field(max_length=255, pattern=r"^[A-Za-z0-9_]+$")] | None = None
    payment_method_id: UUID | None = None
    payment_processor: Literal["stripe"] = "stripe"


class CustomerOrderPaymentConfirmation(BaseModel):
    """How it went: `succeeded`, `failed`, `processing`, or `requires_action`, for which the client has the secret."""

    status: str
    client_secret: str | None = None
    error: str | None = None


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
