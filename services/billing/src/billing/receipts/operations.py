"""Receipts: their number is taken when an order is paid, and a mail says so where the seller wants it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from servicekit.languages import on_one_line
from servicekit.letters import Letter
from servicekit.mail import Notice, write_notices
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.consumer_rights import letters as rights
from billing.customers.models import Customer
from billing.mails import languages
from billing.mails.operations import is_wanted, letter, shop_name
from billing.orders.models import Order
from billing.organizations.operations import shapes_of
from billing.subscriptions.models import Subscription

SWITCHES = {
    "purchase": "order_confirmation",
    "subscription_create": "subscription_confirmation",
    "subscription_cycle": "subscription_cycled",
    "subscription_cycle_after_trial": "subscription_cycled_after_trial",
    "subscription_update": "subscription_updated",
}
"""Which of a seller's mail switches lets the receipt of an order out, by the reason why it was billed."""
PURCHASES = ("purchase", "subscription_create")
FREE_MAILS = 5
"""So many mails a day anybody can have sent to an address by taking what costs nothing with it."""


async def give(session: AsyncSession, paid: Sequence[tuple[Order, Customer]], *, is_authenticated: bool = True) -> None:
    """Numbers the receipts of orders that were just paid, and makes their mails due; their customers are locked.

    Once for each order, in the transaction that makes it paid; what costs nothing has no receipt, and a mail only where
    it was bought, and only `FREE_MAILS` a day where anybody could buy it for the address. Unless the buyer
    `is_authenticated`, the mail says what to do when its reader is not the buyer.
    """
    due = [
        (order, customer)
        for order, customer in paid
        if order.receipt_number is None and (order.total_amount > 0 or order.billing_reason in PURCHASES)
    ]
    shapes = await shapes_of(session, {order.organization_id for order, _ in due})
    notices = []
    for order, customer in due:
        if order.total_amount > 0:
            order.receipt_number = customer.next_receipt_number()
        seller, texts = shapes[order.organization_id], languages.of(customer.locale)
        if not is_authenticated and order.total_amount == 0 and await _has_many(session, order):
            continue
        subscription = await session.get(Subscription, order.subscription_id) if order.subscription_id else None
        # A consent counts once it was confirmed on a durable medium: no switch holds that back.
        is_due = order.immediate_delivery_consent is not None
        if is_due or is_wanted(seller, SWITCHES.get(_reason(order, subscription), "order_confirmation")):
            notes = rights.notes_of(order, seller, customer.locale)
            if not is_authenticated:
                support = (seller.get("branding") or {}).get("support_email")
                contact = on_one_line(support or seller.get("email") or texts.data["not_you_contact"])
                notes.append(texts.data["not_you"].format(shop=shop_name(seller), contact=contact))
            said = _said(order, subscription, seller, texts, notes)
            if order.checkout_id is not None:
                said = replace(said, links=tuple(rights.links_of(order, seller, customer.locale)))
            notices.append(Notice(customer.email, said, "order_confirmation", order.id))
    await write_notices(session, notices)


async def _has_many(session: AsyncSession, order: Order) -> bool:
    """Whether the customer was written to about enough of what costs nothing within a day; this order is counted."""
    free = select(func.count()).where(
        Order.customer_id == order.customer_id,
        Order.total_amount == 0,
        Order.billing_reason.in_(PURCHASES),
        Order.created_at > order.created_at - timedelta(days=1),
    )
    return bool((await session.execute(free)).scalar_one() > FREE_MAILS)


def _reason(order: Order, subscription: Subscription | None) -> str:
    trial_end = subscription.trial_end if subscription is not None else None
    if order.billing_reason == "subscription_cycle" and trial_end is not None and order.period_start == trial_end:
        return "subscription_cycle_after_trial"
    return order.billing_reason


def _said(
    order: Order,
    subscription: Subscription | None,
    seller: dict[str, object],
    texts: languages.Texts,
    notes: list[str],
) -> Letter:
    place = f"/orders/{order.id}"
    if order.total_amount == 0:
        if subscription is not None and subscription.status == "trialing":
            return letter(
                seller, texts, "confirmation_trial", notes=notes, place=place,
                product=str(subscription.product_data["name"]),
                day=texts.day(subscription.current_period_end),
                amount=texts.money(subscription.net_amount, subscription.currency),
            )  # fmt: skip
        return letter(seller, texts, "confirmation_free", notes=notes, place=place, product=order.description)
    receipt, invoice = str(order.receipt_number), str(order.invoice_number)
    numbers = texts.data["numbers"].format(receipt=receipt, invoice=invoice)
    notes = [numbers, texts.data["documents"], *notes]
    return letter(seller, texts, "receipt", rows=_rows(order, texts), notes=notes, place=place, receipt=receipt)


def _rows(order: Order, texts: languages.Texts) -> list[tuple[str, str]]:
    rows = [(on_one_line(item.label), item.amount) for item in order.items]
    if order.discount_amount:
        rows.append((texts.label("discount"), -order.discount_amount))
    contained = order.tax_behavior == "inclusive"
    if not contained:
        rows.append((texts.label("tax"), order.tax_amount))
    rows.append((texts.label("total"), order.total_amount))
    if contained and order.tax_amount:
        rows.append((texts.label("tax_included"), order.tax_amount))
    if order.applied_balance_amount:
        rows += [(texts.label("balance"), order.applied_balance_amount), (texts.label("paid"), order.payable_amount)]
    return [(label, texts.money(amount, order.currency)) for label, amount in rows]
