"""Mails to customers: each is written in the transaction that makes it true, once, in the customer's language."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts import billing as contracts
from contracts.event import Event
from servicekit.languages import on_one_line
from servicekit.letters import Action, Letter, Look
from servicekit.mail import Notice, write_notices
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.disputes.models import OPEN, Dispute
from billing.mails import languages
from billing.orders.models import Order
from billing.organizations.operations import shape_of
from billing.payment_methods.models import PaymentMethod
from billing.subscriptions.models import Subscription

OF_EVENTS: dict[type[Event[contracts.Subscription]], str] = {
    contracts.SubscriptionPastDueV1: "subscription_past_due",
    contracts.SubscriptionCanceledV1: "subscription_cancellation",
    contracts.SubscriptionUncanceledV1: "subscription_uncanceled",
    contracts.SubscriptionPausedV1: "subscription_paused",
    contracts.SubscriptionResumedV1: "subscription_resumed",
    contracts.SubscriptionRevokedV1: "subscription_revoked",
}
"""The mails that follow an event of a subscription; each is named as the switch that lets it out."""


def is_wanted(seller: Mapping[str, Any], switch: str) -> bool:
    """Whether a seller lets mails of a switch of `customer_email_settings` out; they do unless they said no."""
    return bool((seller.get("customer_email_settings") or {}).get(switch, True))


def letter(
    seller: Mapping[str, Any],
    texts: languages.Texts,
    name: str,
    rows: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
    has_link: bool = True,
    place: str = "",
    **values: str,
) -> Letter:
    """A mail of `texts/` with its values filled in, in the seller's look.

    Where it `has_link`, that leads to the seller's portal: to its `place` (`/orders/…`), or to its first screen.
    """
    found = texts.mail(name)
    shop = shop_name(seller)
    path = f"/{seller['slug']}/portal{place}" if seller.get("slug") else f"/portal{place}"
    values = {"shop": shop, **{key: on_one_line(value) for key, value in values.items()}}
    return Letter(
        sender=shop,
        subject=found["subject"].format(**values),
        paragraphs=[one.format(**values) for one in found["paragraphs"]],
        rows=rows,
        action=Action(found.get("action") or texts.data["portal"], path) if has_link else None,
        notes=notes,
        language=texts.language,
        look=Look.of(seller.get("branding")),
    )


def shop_name(seller: Mapping[str, Any]) -> str:
    """How a mail calls the seller."""
    return on_one_line(seller.get("name") or "the shop")


async def write_of_events(
    session: AsyncSession,
    subscription: Subscription,
    customer: Customer,
    told: Sequence[type[Event[contracts.Subscription]]],
    at: datetime,
) -> None:
    """Writes the mails that follow events of a subscription. One that ended is not also called canceled."""
    names = [OF_EVENTS[contract] for contract in told if contract in OF_EVENTS]
    if "subscription_revoked" in names:
        names = ["subscription_revoked"]
    for name in names:
        await write_of_subscription(session, subscription, customer, name, at)


async def write_of_subscription(
    session: AsyncSession, subscription: Subscription, customer: Customer, name: str, at: datetime
) -> None:
    """Writes one mail about a subscription, unless the seller switched it off. `name` is the switch's name too."""
    seller = await shape_of(session, subscription.organization_id)
    if not is_wanted(seller, name):
        return
    texts = languages.of(customer.locale)
    owed = await _owed(session, subscription) if name == "subscription_past_due" else None
    said = letter(
        seller,
        texts,
        name,
        place=f"/orders/{owed}" if owed else f"/subscriptions/{subscription.id}",
        product=str(subscription.product_data["name"]),
        day=texts.day(subscription.current_period_end),
        amount=texts.money(subscription.net_amount, subscription.currency),
    )
    await write_notices(session, [Notice(customer.email, said, name, subscription.id, at.isoformat())])


async def _owed(session: AsyncSession, subscription: Subscription) -> UUID | None:
    """The oldest order of a subscription that waits for its payment."""
    waiting = select(Order.id).where(Order.subscription_id == subscription.id, Order.status == "pending")
    found: UUID | None = await session.scalar(waiting.order_by(Order.created_at, Order.id).limit(1))
    return found


async def write_payment_failed(session: AsyncSession, order: Order, customer: Customer, payment_id: UUID) -> None:
    """Writes that another attempt to collect an order failed, once for each payment, with a link to pay it.

    The switch is that of `subscription_past_due`, which announces the first failure.
    """
    seller = await shape_of(session, order.organization_id)
    if not is_wanted(seller, "subscription_past_due"):
        return
    texts = languages.of(customer.locale)
    amount = texts.money(order.payable_amount, order.currency)
    place = f"/orders/{order.id}"
    said = letter(seller, texts, "payment_failed", place=place, product=order.description, amount=amount)
    await write_notices(session, [Notice(customer.email, said, "payment_failed", order.id, str(payment_id))])


async def write_refund(session: AsyncSession, order: Order, refund_id: UUID, paid_back: int) -> None:
    """Writes that a refund was made, once for each; no switch holds it back.

    `paid_back` includes the tax, in minor units of the order's currency.
    """
    customer = await session.get_one(Customer, order.customer_id)
    seller = await shape_of(session, order.organization_id)
    texts = languages.of(customer.locale)
    amount = texts.money(paid_back, order.currency)
    said = letter(seller, texts, "refund", place=f"/orders/{order.id}", product=order.description, amount=amount)
    await write_notices(session, [Notice(customer.email, said, "refund", refund_id)])


async def write_email_changed(session: AsyncSession, customer: Customer, old_email: str, at: datetime) -> None:
    """Writes to a customer's former address that it was replaced; the new one is not named there."""
    seller = await shape_of(session, customer.organization_id)
    said = letter(seller, languages.of(customer.locale), "email_changed")
    await write_notices(session, [Notice(old_email, said, "email_changed", customer.id, at.isoformat())])


async def notify_of_sale(session: AsyncSession, order: Order, customer: Customer) -> None:
    """Writes to the seller that something was bought, once for each order, where `notification_settings` let it."""
    switch = "new_subscription" if order.subscription_id else "new_order"
    await _notify(session, "sale", switch, order, order.id, customer, order.total_amount)


async def notify_of_dispute(session: AsyncSession, order: Order, dispute: Dispute) -> None:
    """Writes to the seller that a bank disputes a payment, once for each dispute. The amount includes the tax."""
    customer = await session.get_one(Customer, order.customer_id)
    await _notify(session, "dispute", "new_dispute", order, dispute.id, customer, dispute.amount + dispute.tax_amount)


async def _notify(
    session: AsyncSession, name: str, switch: str, order: Order, about: UUID, customer: Customer, amount: int
) -> None:
    seller = await shape_of(session, order.organization_id)
    is_off = (seller.get("notification_settings") or {}).get(switch, True) is False
    if is_off or not seller.get("email"):
        return
    texts = languages.of(seller.get("locale"))
    said = letter(
        seller, texts, name, has_link=False, product=order.description, customer=customer.email,
        amount=texts.money(amount, order.currency),
    )  # fmt: skip
    await write_notices(session, [Notice(str(seller["email"]), said, name, about)])


async def is_over(session: AsyncSession, kind: str, about: UUID) -> bool:
    """Whether what a waiting mail says has become untrue since it was written."""
    if kind == "payment_failed":
        order = await session.get(Order, about)
        return order is None or order.status != "pending"
    if kind == "dispute":
        dispute = await session.get(Dispute, about)
        return dispute is None or dispute.status not in OPEN
    if kind == "payment_method_expiration_reminder":
        method = await session.get(PaymentMethod, about)
        return method is None or method.deleted_at is not None
    if not kind.startswith("subscription_"):
        return False
    subscription = await session.get(Subscription, about)
    if subscription is None:
        return True
    has_ended, is_ending = subscription.ended_at is not None, subscription.cancel_at_period_end
    match kind:
        case "subscription_past_due":
            return subscription.status != "past_due"
        case "subscription_paused":
            return subscription.status != "paused"
        case "subscription_cancellation":
            return has_ended or not is_ending
        case "subscription_revoked":
            return not has_ended
        case "subscription_renewal_reminder" | "subscription_trial_conversion_reminder":
            is_past = subscription.reminded_for != subscription.current_period_end
            return has_ended or is_ending or is_past or subscription.pause_at_period_end
        case "subscription_uncanceled":
            return has_ended or is_ending
        case "subscription_resumed":
            return has_ended or subscription.status == "paused"
        case _:
            return has_ended
