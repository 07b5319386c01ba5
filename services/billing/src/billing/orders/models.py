"""Orders: what was sold, for how much, and what became of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pricing.currencies import step
from servicekit.database import Record
from servicekit.errors import Conflict
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from billing.database import Base
from billing.orders.amounts import tax_of_part

SETTLED = ("paid", "partially_refunded", "refunded")
"""Statuses of orders whose amount due has come in, whatever was given back since."""


class OrderNotPayable(Conflict):
    """The order is not in a status in which it can be paid, finalized or voided."""


class Order(Record, Base):
    """A priced purchase. All amounts are integer minor units of `currency`; products and discounts are kept as sold.

    draft → pending → paid → partially_refunded ⇄ refunded; draft or pending → void. `net_amount` is subtotal less
    discount (and less the tax where it is inclusive), `total_amount` net and tax. `applied_balance_amount` is what the
    customer's balance changed by: negative where their credit paid, positive where they paid a debt or were given
    credit. What is to be paid is the total and that.
    """

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
    net_amount: Mapped[int] = mapped_column(BigInteger)
    tax_amount: Mapped[int] = mapped_column(BigInteger)
    tax_behavior: Mapped[str | None]
    """`inclusive`: the tax is part of the price; otherwise it is added."""
    tax_breakdown: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    tax_computation: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    tax_calculation_id: Mapped[str | None]
    tax_id: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The buyer's when the tax was computed: value and format."""
    total_amount: Mapped[int] = mapped_column(BigInteger)
    applied_balance_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    refunded_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Given back of the net amount, or on its way."""
    refunded_tax_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    credited_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Net amount that later lines of the subscription give back as credit for time that this order billed: lines of
    orders that are not void, and entries that wait."""
    credited_tax_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The tax of `credited_amount`, at this order's rates."""
    platform_fee_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    currency: Mapped[str] = mapped_column(String(3))
    billing_name: Mapped[str | None]
    billing_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    seats: Mapped[int | None]
    units: Mapped[int | None]
    invoice_number: Mapped[str | None]
    """Drafts have none."""
    receipt_number: Mapped[str | None]
    invoice_checksum: Mapped[str | None]
    """Of what the invoice that was rendered last says; None before the first."""
    receipt_checksum: Mapped[str | None]
    seller_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The seller as its documents show it, fixed when the first is made."""
    period_start: Mapped[datetime | None]
    """Of an order for a period of a subscription: no period is billed twice (a unique index)."""
    next_payment_attempt_at: Mapped[datetime | None]
    payment_deadline: Mapped[datetime | None]
    """When dunning ends, whatever happened until then."""
    view_hash: Mapped[bytes | None]
    """HMAC of the client secret of the checkout, whose holder may look at the order for a day."""
    paid_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    benefits_revoked_at: Mapped[datetime | None]
    """Since when what a one-time order gave is owed no more."""
    description: Mapped[str]
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    custom_field_data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    product_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    discount_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    is_business_customer: Mapped[bool | None]
    """Whether the buyer bought as a business; None where no checkout said so."""
    immediate_delivery_consent: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    items: Mapped[list["OrderItem"]] = relationship(lazy="selectin", order_by="OrderItem.position")

    __table_args__ = (
        CheckConstraint("net_amount + tax_amount = total_amount", name="totals"),
        CheckConstraint(
            "net_amount = subtotal_amount - discount_amount "
            "- case when tax_behavior = 'inclusive' then tax_amount else 0 end",
            name="net",
        ),
        CheckConstraint("discount_amount >= 0 and total_amount + applied_balance_amount >= 0", name="due"),
        CheckConstraint(
            "refunded_amount >= 0 and refunded_tax_amount >= 0 "
            "and (refunded_tax_amount = 0 or refunded_tax_amount <= tax_amount) "
            "and (refunded_amount + refunded_tax_amount = 0 or refunded_amount + refunded_tax_amount <= total_amount)",
            name="refunded",
        ),
    )

    @property
    def due_amount(self) -> int:
        """What is, or was, to be paid with a card, in minor units; 0 once it is settled or void."""
        return self.payable_amount if self.status in ("draft", "pending") else 0

    @property
    def payable_amount(self) -> int:
        """The total with the customer's balance, in minor units, whatever the status."""
        return self.total_amount + self.applied_balance_amount

    @property
    def is_paid(self) -> bool:
        """Whether its amount due has come in."""
        return self.status in SETTLED

    @property
    def charged_amount(self) -> int:
        """What the card payment covers of the total, in minor units, whatever the status.

        The part that the customer's credit paid is not in it, nor is a debt that was collected along.
        """
        return max(0, min(self.payable_amount, self.total_amount))

    @property
    def refunded_total(self) -> int:
        """What was given back, or is on its way, with its tax; in minor units."""
        return self.refunded_amount + self.refunded_tax_amount

    @property
    def credited_total(self) -> int:
        """What was given as credit for time that it billed, with its tax; in minor units."""
        return self.credited_amount + self.credited_tax_amount

    @property
    def billed_total(self) -> int:
        """What its positive lines cost, discounts taken off, with their tax, in minor units; at least its total."""
        own_tax = 0 if self.tax_behavior == "inclusive" else 1
        lines = (one.amount - one.discount_amount + own_tax * one.tax_amount for one in self.items if one.amount > 0)
        return max(self.total_amount, sum(lines))

    @property
    def refundable_total(self) -> int:
        """What may still be given back in cash, tax included, in minor units.

        At most what the card paid, and at most the part of the total that was not given as credit; both less what was
        refunded. Stripe moves multiples of the currency's step alone.
        """
        if not self.is_paid:
            return 0
        left = max(0, min(self.charged_amount, self.total_amount - self.credited_total) - self.refunded_total)
        return left - left % step(self.currency)

    @property
    def refundable_amount(self) -> int:
        """`refundable_total` before tax, in minor units."""
        return self.refundable_total - self.refundable_tax_amount

    @property
    def refundable_tax_amount(self) -> int:
        """The tax of `refundable_total`: with it and what was refunded, the tax is in proportion to the order's.

        The least amount of the currency stays before tax, since a refund names an amount before tax.
        """
        left = self.refundable_total
        if not left:
            return 0
        least = step(self.currency)
        tax = tax_of_part(self.refunded_total + left, total=self.total_amount, tax=self.tax_amount, step=least)
        return min(max(0, tax - self.refunded_tax_amount), left - least)

    def finalize(self, now: datetime) -> None:
        """A draft becomes an order that is to be paid. Raises `OrderNotPayable`."""
        self._ensure("draft")
        self.status, self.modified_at = "pending", now

    def pay(self, now: datetime) -> None:
        """The amount due has come in, or there was none. Raises `OrderNotPayable` unless it is pending."""
        self._ensure("pending")
        self.status = "paid"
        self.next_payment_attempt_at = self.payment_deadline = None
        self.paid_at = self.modified_at = now

    def reopen(self, now: datetime) -> None:
        """The charge of a finalized draft failed: it is a draft again. Raises `OrderNotPayable`."""
        self._ensure("pending")
        self.status, self.applied_balance_amount, self.modified_at = "draft", 0, now

    def void(self, now: datetime) -> None:
        """Nobody will pay it any more. Raises `OrderNotPayable` once it was paid."""
        self._ensure("draft", "pending")
        self.status = "void"
        self.next_payment_attempt_at = None
        self.voided_at = self.modified_at = now

    def refund(self, amount: int, tax_amount: int, now: datetime) -> None:
        """So much more of net and tax is given back (less, when negative: a refund failed), in minor units.

        The status follows when the money has left: `mark_refunded`. Raises `OrderNotPayable` unless it was paid; the
        database refuses more than was sold.
        """
        self._ensure(*SETTLED)
        self.refunded_amount += amount
        self.refunded_tax_amount += tax_amount
        self.modified_at = now

    def mark_refunded(self, given_back: int) -> None:
        """Sets the status by what was given back of it, tax included, in minor units; pending refunds do not count.

        `refunded` means that all that the card paid for it was given back: neither what the customer's credit paid nor
        what was given as credit counts. Raises `OrderNotPayable` unless it was paid.
        """
        self._ensure(*SETTLED)
        is_all = given_back >= self.charged_amount
        self.status = "paid" if not given_back else "refunded" if is_all else "partially_refunded"

    def _ensure(self, *statuses: str) -> None:
        if self.status not in statuses:
            raise OrderNotPayable(f"an order that is {self.status} is not {' or '.join(statuses)}")


class OrderItem(Base):
    """One line of an order, in minor units, before tax; `discount_amount` is the line's part of the order's discount.

    A proration's amount has its discount inside. `computation` says how the amount came about: the inputs, the exact
    fraction as text, and the rule's name.
    """

    __tablename__ = "order_items"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), index=True)
    created_at: Mapped[datetime]
    position: Mapped[int]
    label: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    discount_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    tax_amount: Mapped[int] = mapped_column(BigInteger)
    proration: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    computation: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    corrects: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Of a credit: the parts of `amount` by the order that they correct, `{"order_id": ..., "amount": ...}`."""
    product_price_id: Mapped[UUID | None]
    start_timestamp: Mapped[datetime | None]
    end_timestamp: Mapped[datetime | None]


class BillingEntry(Record, Base):
    """A line that waits for the next order of its subscription: proration, and later usage. Minor units."""

    __tablename__ = "billing_entries"

    kind: Mapped[str]
    """`proration`, `metered` or `adjustment`."""
    customer_id: Mapped[UUID]
    subscription_id: Mapped[UUID]
    currency: Mapped[str] = mapped_column(String(3))
    label: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    """Credits are negative. A proration has its discount inside."""
    proration: Mapped[bool] = mapped_column(default=False)
    product_price_id: Mapped[UUID | None]
    start_timestamp: Mapped[datetime | None]
    end_timestamp: Mapped[datetime | None]
    computation: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    corrects: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    """As of `OrderItem.corrects`."""
    order_id: Mapped[UUID | None]
    """The order that took it; None while it waits."""
    dropped_at: Mapped[datetime | None]
    """Since when nobody bills it any more: its subscription was ended at once."""


Index("billing_entries_order_idx", BillingEntry.order_id, postgresql_where=BillingEntry.order_id.is_not(None))
Index("billing_entries_waiting_idx", BillingEntry.subscription_id, postgresql_where=BillingEntry.order_id.is_(None))
Index(
    "orders_period_key",
    Order.subscription_id,
    Order.period_start,
    unique=True,
    postgresql_where=Order.period_start.is_not(None),
)
Index(
    "orders_attempt_idx",
    Order.next_payment_attempt_at,
    postgresql_where=Order.next_payment_attempt_at.is_not(None),
)
Index("orders_pending_idx", Order.subscription_id, postgresql_where=Order.status == "pending")
Index("orders_list_idx", Order.organization_id, Order.created_at.desc(), Order.id.desc())
Index("orders_view_key", Order.view_hash, unique=True, postgresql_where=Order.view_hash.is_not(None))
Index("orders_customer_idx", Order.customer_id)
Index("orders_subscription_idx", Order.subscription_id)
Index("orders_invoice_number_key", Order.organization_id, Order.invoice_number, unique=True)
