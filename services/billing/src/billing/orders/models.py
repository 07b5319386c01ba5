"""Orders: what was sold, for how much, and what became of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from billing.database import Base


class Order(Record, Base):
    """A priced purchase. All amounts are integer minor units of `currency`; products and discounts are kept as sold."""

    __tablename__ = "orders"

    status: Mapped[str]
    billing_reason: Mapped[str]
    customer_id: Mapped[UUID]
    product_id: Mapped[UUID | None]
    discount_id: Mapped[UUID | None]
    subscription_id: Mapped[UUID | None]
    checkout_id: Mapped[UUID | None] = mapped_column(unique=True)
    subtotal_amount: Mapped[int] = mapped_column(BigInteger)
    discount_amount: Mapped[int] = mapped_column(BigInteger)
    tax_amount: Mapped[int] = mapped_column(BigInteger)
    tax_behavior: Mapped[str | None]
    """`inclusive`: the tax is part of the price; otherwise it is added."""
    tax_breakdown: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    tax_computation: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    tax_calculation_id: Mapped[str | None]
    tax_id: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The buyer's when the tax was computed: value and format."""
    total_amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    billing_name: Mapped[str | None]
    billing_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    seats: Mapped[int | None]
    units: Mapped[int | None]
    invoice_number: Mapped[str]
    description: Mapped[str]
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    custom_field_data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    product_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    discount_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    items: Mapped[list["OrderItem"]] = relationship(lazy="selectin", order_by="OrderItem.position")

    __table_args__ = (
        CheckConstraint(
            "subtotal_amount - discount_amount + case when tax_behavior = 'inclusive' then 0 else tax_amount end "
            "= total_amount",
            name="total",
        ),
        CheckConstraint("discount_amount between 0 and subtotal_amount and tax_amount >= 0", name="amounts"),
    )

    @property
    def net_amount(self) -> int:
        """What was sold, less the discount, before tax, in minor units."""
        return self.total_amount - self.tax_amount

    @property
    def refunded_amount(self) -> int:
        """What was given back of the net amount, in minor units."""
        return 0


class OrderItem(Base):
    """One line of an order, in minor units, before discount and tax."""

    __tablename__ = "order_items"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), index=True)
    created_at: Mapped[datetime]
    position: Mapped[int]
    label: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    tax_amount: Mapped[int] = mapped_column(BigInteger)
    product_price_id: Mapped[UUID | None]
    start_timestamp: Mapped[datetime | None]
    end_timestamp: Mapped[datetime | None]


Index("orders_list_idx", Order.organization_id, Order.created_at.desc(), Order.id.desc())
Index("orders_customer_idx", Order.customer_id)
Index("orders_subscription_idx", Order.subscription_id)
Index("orders_invoice_number_key", Order.organization_id, Order.invoice_number, unique=True)
