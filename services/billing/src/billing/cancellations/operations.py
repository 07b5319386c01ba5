"""Cancelling a subscription without a login (section 312k of the German Civil Code).

A declaration is written down as it comes, and answered the same for everybody; a timer looks whom it is about. The
ordinary one takes effect with the number and the address alone, as the law wants it, and can be taken back in the
portal; one that ends the subscription at once, as any does of a paused one, waits for the link that is mailed to its
customer.
"""

import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from servicekit import clock, clocks, ids
from servicekit.database import wake
from servicekit.errors import ResourceNotFound
from servicekit.mail import Notice, write_notices
from servicekit.tokens import hashed
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.cancellations.models import Cancellation
from billing.cancellations.schemas import CancellationAccepted, CancellationCreate, CancellationRead
from billing.consumer_rights import letters, rules
from billing.customers import queries as customers
from billing.customers.models import Customer
from billing.mailed_codes.operations import issue
from billing.orders.models import Order
from billing.organizations.models import Organization
from billing.organizations.operations import shape_of
from billing.subscriptions import operations as subscriptions
from billing.subscriptions.models import Subscription
from billing.subscriptions.schemas import SubscriptionUpdate

log = structlog.get_logger()
PURPOSE = "cancellation"
LINK_LIFETIME = timedelta(days=1)


async def create(session: AsyncSession, wish: CancellationCreate) -> CancellationAccepted:
    """Writes a declaration down, and says when it was received."""
    found = select(Organization.id, clocks.instant_at(Organization.id)).where(Organization.id == wish.organization_id)
    seller = (await session.execute(found)).one_or_none()
    if seller is not None:
        clocks.stand(wish.organization_id, seller.instant)
        values = wish.model_dump(exclude={"organization_id", "name", "reason"})
        session.add(
            Cancellation(
                id=ids.uuid7(), organization_id=wish.organization_id, created_at=clock.now(), due_at=clock.wall(),
                status="received", name=wish.name or None, reason=wish.reason or None, **values,
            )
        )  # fmt: skip
        wake(session)
    return CancellationAccepted(received_at=clock.now())


async def carry_out(session: AsyncSession, cancellation: Cancellation, secret: str) -> None:
    """Does what a declaration says, which the caller has locked. Raises `SubscriptionLocked`."""
    order, subscription, customer = await _locked(session, cancellation)
    cancellation.processed_at = clock.now()
    if order is None or subscription is None or customer is None:
        cancellation.status = "unmatched"
        return
    cancellation.subscription_id, cancellation.customer_id = subscription.id, customer.id
    # What is paused is in no period: it could only end at once.
    ends_at_once = cancellation.kind == "extraordinary" or subscription.status == "paused"
    if ends_at_once and subscription.ended_at is None:
        await _mail_link(session, cancellation, subscription, customer, secret)
        return
    if subscription.ended_at is None and not subscription.cancel_at_period_end:
        update = SubscriptionUpdate(cancel_at_period_end=True)
        await subscriptions.change(session, subscription, update, is_mailed=False)
    await _finish(session, cancellation, subscription, customer, order)


async def confirm(session: AsyncSession, token: str, secret: str) -> CancellationRead:
    """Ends the subscription of an extraordinary cancellation at once. Repeating it gives the same answer.

    Raises `ResourceNotFound` for what is no token, or none any more, and `SubscriptionLocked`.
    """
    found = select(Cancellation, clocks.instant_at(Cancellation.organization_id)).where(
        Cancellation.token_hash == hashed(token, secret), Cancellation.token_expires_at > clock.wall()
    )
    row = (await session.execute(found.with_for_update(of=Cancellation))).one_or_none()
    if row is None:
        raise ResourceNotFound("This link is not valid, or not valid any more")
    cancellation: Cancellation = row.Cancellation
    clocks.stand(cancellation.organization_id, row.instant)
    order, subscription, customer = await _locked(session, cancellation)
    if order is None or subscription is None or customer is None:
        raise ResourceNotFound("This link is not valid, or not valid any more")
    if cancellation.status != "done":
        if subscription.ended_at is None:
            update = SubscriptionUpdate(revoke=True, customer_cancellation_comment=cancellation.reason)
            await subscriptions.change(session, subscription, update, is_mailed=False)
        await _finish(session, cancellation, subscription, customer, order)
    return CancellationRead(
        product_name=str(subscription.product_data["name"]),
        received_at=cancellation.created_at,
        ends_at=cancellation.ends_at or clock.now(),
    )


async def _locked(
    session: AsyncSession, cancellation: Cancellation
) -> tuple[Order | None, Subscription | None, Customer | None]:
    """What a declaration is about, where number and address fit: the customer is locked first, then the subscription.

    The order is the one that was named, or the subscription's first.
    """
    nothing = None, None, None
    statement = (
        select(Order.id, Subscription.id.label("subscription_id"), Customer.id.label("customer_id"))
        .join(Subscription, Subscription.id == Order.subscription_id)
        .join(Customer, Customer.id == Subscription.customer_id)
        .where(
            Order.organization_id == cancellation.organization_id,
            _named(cancellation.contract_number),
            Customer.email == cancellation.email,
            Customer.deleted_at.is_(None),
        )
    )
    row = (await session.execute(statement.order_by(Order.created_at, Order.id).limit(1))).one_or_none()
    if row is None:
        return nothing
    customer = await customers.lock(session, row.customer_id)
    subscription = await session.get_one(Subscription, row.subscription_id, with_for_update=True)
    order = await session.get_one(Order, row.id)
    seller = await shape_of(session, cancellation.organization_id)
    return (order, subscription, customer) if rules.offers_cancellation(order, seller) else nothing


def _named(number: str) -> ColumnElement[bool]:
    named: list[ColumnElement[bool]] = [Order.invoice_number == number.upper()]
    with suppress(ValueError):
        named.append(Order.subscription_id == UUID(number))
    return or_(*named)


async def _mail_link(
    session: AsyncSession, cancellation: Cancellation, subscription: Subscription, customer: Customer, secret: str
) -> None:
    """Mails the link that ends a subscription at once: at most one a minute and ten a day for each subscription."""
    token = secrets.token_urlsafe(32)
    mark = hashed(token, secret)
    is_free = subscription.amount == 0
    if not await issue(session, customer, PURPOSE, subscription.id, mark, LINK_LIFETIME, is_free=is_free):
        cancellation.status = "repeated"
        return
    cancellation.status = "link_sent"
    cancellation.token_hash, cancellation.token_expires_at = mark, clock.wall() + LINK_LIFETIME
    seller = await shape_of(session, cancellation.organization_id)
    texts, _ = letters.texts_of(customer.locale)
    about = {
        "product": str(subscription.product_data["name"]),
        "number": cancellation.contract_number,
        "hours": str(LINK_LIFETIME // timedelta(hours=1)),
        **letters.instant(texts, cancellation.created_at),
    }
    # In the fragment, which no server is sent and no log has.
    path = f"/{seller.get('slug') or subscription.organization_id}/cancel?locale={texts.language}#{token}"
    said = letters.letter(seller, customer.locale, "cancellation_link", about, path=path)
    await write_notices(session, [Notice(customer.email, said, "cancellation_link", cancellation.id)])


async def _finish(
    session: AsyncSession, cancellation: Cancellation, subscription: Subscription, customer: Customer, order: Order
) -> None:
    """The acknowledgement: that and when the declaration came, and when the contract ends (section 312k (4)).

    Once for each cancellation of a subscription, however often it is declared.
    """
    ends = subscription.ended_at or subscription.ends_at or subscription.current_period_end
    cancellation.status, cancellation.ends_at = "done", ends
    cancellation.processed_at = clock.now()
    seller = await shape_of(session, cancellation.organization_id)
    texts, _ = letters.texts_of(customer.locale)
    received = letters.instant(texts, cancellation.created_at)
    when = "{day}, {time} (UTC)".format
    rows = [
        ("contract", str(subscription.product_data["name"])),
        ("order_number", cancellation.contract_number),
        *([("name", cancellation.name)] if cancellation.name else []),
        ("email", customer.email),
        ("received", when(**received)),
        ("ends", when(**letters.instant(texts, ends))),
    ]
    is_over = subscription.ended_at is not None
    portal = f"/{seller['slug']}/portal" if seller.get("slug") and not is_over else None
    about = {"product": str(subscription.product_data["name"]), "end": texts.day(ends), **received}
    name = "cancellation_now" if is_over else "cancellation"
    said = letters.letter(seller, customer.locale, name, about, rows=rows, path=portal)
    occasion = _occasion(subscription.canceled_at, is_over=is_over)
    await write_notices(session, [Notice(customer.email, said, "cancellation", subscription.id, occasion)])
    log.info("cancellation.done", cancellation_id=str(cancellation.id), subscription_id=str(subscription.id))


def _occasion(canceled_at: datetime | None, *, is_over: bool) -> str:
    return f"{canceled_at.isoformat() if canceled_at else ''}{' ended' if is_over else ''}"
