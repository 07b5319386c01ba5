"""Showing an order to whoever has the client secret of its checkout, for a day.

The secret's HMAC came with the purchase; the secret itself is kept by the checkout service alone. What is shown was
bought, or typed, by the holder of the secret: nothing of the customer, whom the e-mail may have found. That goes for
numbers too: they count what a customer has bought, and one of them tells all the others, which are what consumers
cancel by. They are shown with a customer's first order alone; those of the others come by mail.
"""

from datetime import datetime, timedelta
from typing import Any, cast

from servicekit import clock, clocks, links
from servicekit.auth import Principal
from servicekit.database import Sessions, awaited
from servicekit.errors import ResourceNotFound, ServiceError
from servicekit.storage import ObjectStore
from servicekit.tokens import hashed
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from billing.checkouts.schemas import CheckoutOrder
from billing.documents import issue
from billing.orders import queries
from billing.orders.models import Order
from billing.organizations.operations import seller
from billing.organizations.schemas import product_for_customers
from billing.settings import Settings

SHOWN_FOR = timedelta(days=1)
BENEFITS_FOR = timedelta(hours=1)


class OrderViewExpired(ServiceError):
    """The order is not shown without a login any more: the customer portal has it."""

    status_code = 410


async def get(session: AsyncSession, client_secret: str, settings: Settings) -> CheckoutOrder:
    """The order that a checkout made. Raises `ResourceNotFound` before there is one, `OrderViewExpired` after a day.

    Billing may hear of the purchase a moment after the page does: it is waited for, for up to a second.
    """
    order = await awaited(lambda: _find(session, client_secret, settings))
    if order is None:
        raise ResourceNotFound()
    ends = _ensure_shown(order)
    numbers: dict[str, Any] = (
        {} if await _is_first(session, order) else {"invoice_number": None, "receipt_number": None}
    )
    (shape,) = await queries.shapes(session, [order])
    product = None
    if shape.product is not None:
        organization = await seller(session, order.organization_id)
        product = product_for_customers(shape.product.model_dump(mode="json"), organization)
    path = f"/v1/checkouts/client/{order.subscription_id or order.id}/benefits"
    receipt = f"/v1/checkouts/client/{client_secret}/order/receipt"
    return CheckoutOrder.of(
        shape,
        product,
        receipt_url=settings.public_url + receipt if order.receipt_number is not None and not numbers else None,
        benefits_url=settings.public_url + links.signed(settings.secret, path, BENEFITS_FOR),
        expires_at=ends,
        **numbers,
    )


async def receipt(sessions: Sessions, store: ObjectStore, client_secret: str, settings: Settings) -> str:
    """The address of the order's receipt, which is made when it is first asked for.

    Raises `ResourceNotFound` where nothing was paid, or the order is not its customer's first, and `OrderViewExpired`
    after a day.
    """
    async with sessions() as session:
        order = await _find(session, client_secret, settings)
        if order is None or not await _is_first(session, order):
            raise ResourceNotFound()
        _ensure_shown(order)
    holder = Principal("organization", order.organization_id, (order.organization_id,), frozenset())
    await issue.issue(sessions, store, holder, order.id, "receipt")
    return await issue.link(sessions, store, holder, order.id, "receipt", settings.secret, settings.public_url)


async def _find(session: AsyncSession, client_secret: str, settings: Settings) -> Order | None:
    """At its organization's clock, since whoever asks comes without a token."""
    view = hashed(client_secret, settings.secret)
    statement = select(Order, clocks.instant_at(Order.organization_id)).where(Order.view_hash == view)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    clocks.stand(row.Order.organization_id, row.instant)
    return cast(Order, row.Order)


async def _is_first(session: AsyncSession, order: Order) -> bool:
    """Whether nothing was bought with the customer's e-mail before."""
    earlier = select(Order.id).where(
        Order.customer_id == order.customer_id,
        tuple_(Order.created_at, Order.id) < (order.created_at, order.id),
    )
    return (await session.execute(earlier.limit(1))).first() is None


def _ensure_shown(order: Order) -> datetime:
    ends = order.created_at + SHOWN_FOR
    if ends <= clock.now():
        raise OrderViewExpired("The order is in the customer portal")
    return ends
