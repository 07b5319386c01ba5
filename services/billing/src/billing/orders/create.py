"""Writing an order: the one place, for first purchases, renewals, proration and drafts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from contracts import billing as contracts
from contracts.event import Event
from pricing.discounts import Snapshot, amounts_off
from servicekit import clock, ids, outbox
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import balances
from billing.customers.models import Customer, CustomerBalance
from billing.invoices.numbers import next_number
from billing.orders import events
from billing.orders.amounts import applied_balance
from billing.orders.corrections import Moved, taxed
from billing.orders.models import Order, OrderItem
from billing.orders.tax import Tax, tax_of
from billing.organizations.operations import shape_of
from billing.subscriptions.models import Subscription


@dataclass(frozen=True)
class Line:
    """What a line of an order is made from. `amount` is in minor units before tax; credits are negative.

    A proration's amount has its discount inside, and takes no part of the order's. `computation` says how the amount
    came about: its inputs, the exact fraction as text, and the rule's name.
    """

    label: str
    amount: int
    proration: bool = False
    product_price_id: UUID | None = None
    start: datetime | None = None
    end: datetime | None = None
    discount_amount: int | None = None
    """Its part of the discount where that is known already; otherwise it is computed."""
    computation: dict[str, Any] | None = None
    corrects: list[Any] | None = None
    """As of `OrderItem.corrects`."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is sold and to which terms, beside the lines. Product and discount are their public shapes."""

    billing_reason: str
    currency: str
    description: str
    product: dict[str, Any] | None = None
    discount: dict[str, Any] | None = None
    status: str = "pending"
    """`draft` takes neither a number nor the balance."""
    uses_balance: bool = True
    """False for what the buyer paid in full already."""
    id: UUID | None = None
    checkout_id: UUID | None = None
    period_start: datetime | None = None
    """Start of the period of the subscription that this bills: once (the database refuses the second)."""
    seats: int | None = None
    units: int | None = None
    billing_name: str | None = None
    billing_address: dict[str, Any] | None = None
    tax_id: list[str] | None = None
    """The buyer's number and its format; the customer's where it is None."""
    uses_profile: bool = True
    """Whether what is None of name and address is the customer's; False for what a stranger may have typed."""
    view_hash: bytes | None = None
    metadata: dict[str, Any] | None = None
    custom_field_data: dict[str, Any] | None = None
    is_business_customer: bool | None = None
    immediate_delivery_consent: dict[str, Any] | None = None


async def open_order(
    session: AsyncSession,
    *,
    customer: Customer,
    lines: Sequence[Line],
    terms: Terms,
    subscription: Subscription | None = None,
    tax: Tax | None = None,
    at: datetime | None = None,
) -> Order:
    """Writes an order, with its number, discount, tax, and what the customer's balance takes or gives.

    The caller has locked the customer. It says nothing: `tell` does, when the caller has done the rest. What is due
    afterwards (`order.payable_amount`) is due by `payments.requests.request`; nothing due is `payments.collect.
    settle_free`.
    """
    is_draft = terms.status == "draft"
    seller = await shape_of(session, customer.organization_id)
    return write_order(
        session,
        customer=customer,
        lines=lines,
        terms=terms,
        seller=seller,
        number=None if is_draft else await next_number(session, customer, seller),
        balance=None if is_draft else await balances.balance_of(session, customer.id, terms.currency),
        subscription=subscription,
        tax=tax,
        at=at,
    )


def write_order(
    session: AsyncSession,
    *,
    customer: Customer,
    lines: Sequence[Line],
    terms: Terms,
    seller: Mapping[str, Any],
    number: str | None,
    balance: CustomerBalance | None,
    subscription: Subscription | None = None,
    tax: Tax | None = None,
    at: datetime | None = None,
) -> Order:
    """`open_order` for a caller who has read the customer's balance (in that currency) already, for many at once.

    `seller` is the organization's public shape, `number` what `invoices.numbers.next_number` gave: None for a draft.
    """
    now = at or clock.now()
    order_id = terms.id or ids.uuid7()
    discounts = _discounts(lines, terms)
    discount_amount = sum(discounts)
    address, name = terms.billing_address, terms.billing_name
    if terms.uses_profile:
        address = address if address is not None else customer.billing_address
        name = name or customer.billing_name or customer.name
    if tax is None:
        ask = partial(
            _tax_of,
            reference=str(order_id),
            currency=terms.currency,
            address=address,
            tax_id=terms.tax_id or customer.tax_id,
            behavior=subscription.tax_behavior if subscription else None,
            product=terms.product,
            seller=seller,
            at=now,
        )
        amounts = [line.amount - off for line, off in zip(lines, discounts, strict=True)]
        tax, moved = taxed(amounts, [line.corrects for line in lines], ask)
        lines = [_moved(line, moved.get(position)) for position, line in enumerate(lines)]
    subtotal = sum(line.amount for line in lines)
    net = subtotal - discount_amount - (tax.amount if tax.behavior == "inclusive" else 0)
    is_draft = terms.status == "draft"
    order = Order(
        id=order_id,
        organization_id=customer.organization_id,
        created_at=now,
        status=terms.status,
        billing_reason=terms.billing_reason,
        customer_id=customer.id,
        product_id=UUID(str(terms.product["id"])) if terms.product else None,
        discount_id=UUID(str(terms.discount["id"])) if terms.discount else None,
        subscription_id=subscription.id if subscription else None,
        checkout_id=terms.checkout_id,
        view_hash=terms.view_hash,
        period_start=terms.period_start,
        subtotal_amount=subtotal,
        discount_amount=discount_amount,
        net_amount=net,
        tax_amount=tax.amount,
        total_amount=net + tax.amount,
        applied_balance_amount=0,
        refunded_amount=0,
        refunded_tax_amount=0,
        credited_amount=0,
        credited_tax_amount=0,
        platform_fee_amount=0,
        tax_behavior=tax.behavior,
        tax_breakdown=tax.breakdown,
        tax_id=tax.tax_id,
        tax_computation=tax.computation,
        tax_calculation_id=tax.calculation_id,
        currency=terms.currency,
        seats=terms.seats,
        units=terms.units,
        billing_name=name,
        billing_address=address,
        invoice_number=number,
        description=terms.description,
        user_metadata=terms.metadata or {},
        custom_field_data=terms.custom_field_data or {},
        is_business_customer=terms.is_business_customer,
        immediate_delivery_consent=terms.immediate_delivery_consent,
        product_data=terms.product,
        discount_data=terms.discount,
        items=[
            _item(line, position, discounts[position], tax.of_line(position), now)
            for position, line in enumerate(lines)
        ],
    )
    session.add(order)
    if not is_draft and terms.uses_balance:
        apply_balance(session, order, customer, balance, now)
    return order


def _tax_of(amounts: Sequence[int], **about: Any) -> Tax:
    return tax_of(amounts=amounts, **about)


def _moved(line: Line, moved: Moved | None) -> Line:
    """The line with inclusive tax moved in or out of its amount; its computation says by how much."""
    if moved is None:
        return line
    computation = {**(line.computation or {}), "tax_moved": moved.amount}
    return replace(line, amount=line.amount + moved.amount, computation=computation, corrects=moved.corrects)


def apply_balance(
    session: AsyncSession, order: Order, customer: Customer, balance: CustomerBalance | None, now: datetime
) -> None:
    """Lets the customer's balance pay what it can of an order, or take what is too little to charge."""
    held = balance.amount if balance else 0
    order.applied_balance_amount = applied_balance(order.total_amount, held, order.currency)
    balances.move(
        session, customer, balance, order.applied_balance_amount, order.currency, reason="order", order_id=order.id,
        at=now,
    )  # fmt: skip


def tell(
    session: AsyncSession,
    order: Order,
    customer: Customer,
    subscription: Subscription | None,
    *told: type[Event[contracts.Order]],
    at: datetime,
) -> None:
    """Says so about an order, with its shape as it is now."""
    data = events.shape(order, customer, subscription)
    outbox.record(session, *(events.told(contract, order, data, at) for contract in told))


def _discounts(lines: Sequence[Line], terms: Terms) -> list[int]:
    """Each line's part of the discount: what is known, else by largest remainder over what is no proration."""
    open_lines = [max(0, line.amount) if line.discount_amount is None and not line.proration else 0 for line in lines]
    computed = amounts_off(Snapshot.of(terms.discount), open_lines, terms.currency)
    return [
        line.discount_amount if line.discount_amount is not None else part
        for line, part in zip(lines, computed, strict=True)
    ]


def _item(line: Line, position: int, discount_amount: int, tax_amount: int, now: datetime) -> OrderItem:
    return OrderItem(
        id=ids.uuid7(),
        created_at=now,
        position=position,
        label=line.label,
        amount=line.amount,
        discount_amount=discount_amount,
        tax_amount=tax_amount,
        proration=line.proration,
        computation=line.computation,
        corrects=line.corrects,
        product_price_id=line.product_price_id,
        start_timestamp=line.start,
        end_timestamp=line.end,
    )
