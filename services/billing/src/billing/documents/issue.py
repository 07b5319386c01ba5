"""Making an order's document and keeping it: rendered and stored between two transactions, and only when it changed.

A document lies under the checksum of what it says, so that a link never shows half of one, and an unchanged order
is not rendered again. Rendering takes tens of milliseconds of a thread of its own.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from contracts.billing import OrderUpdatedV1
from servicekit import clock, links, outbox
from servicekit.auth import Principal
from servicekit.database import Sessions
from servicekit.errors import Conflict, InvalidInput, ResourceNotFound
from servicekit.storage import ObjectStore
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.documents import content
from billing.documents.render import checksum, rendered
from billing.orders import events, queries
from billing.orders.models import Order
from billing.organizations.operations import awaited_shape

Kind = Literal["invoice", "receipt"]
LINK_LIFETIME = timedelta(minutes=10)
ROUNDS = 5
"""How often an order may change while its document is made, before the caller is told to come back."""


class OrderNotInvoiceable(Conflict):
    """Drafts have no invoice yet, and void orders have none any more."""


class OrderChanged(Conflict):
    """The order changed again and again while its document was made."""


@dataclass(frozen=True)
class _Wanted:
    order: Order
    data: dict[str, Any]
    checksum: str
    path: str
    is_kept: bool


async def issue(sessions: Sessions, store: ObjectStore, principal: Principal, id: UUID, kind: Kind) -> None:
    """Makes the document of an order of the caller, unless there is one that says the same.

    Raises `ResourceNotFound` (also for a receipt before the order is paid), `OrderNotInvoiceable`, and `InvalidInput`
    naming what the invoice cannot be made out without.
    """
    for _ in range(ROUNDS):
        async with sessions() as session:
            wanted = await _wanted(session, principal, id, kind)
        if wanted.is_kept:
            return
        await store.put(wanted.path, await rendered(wanted.data))
        async with sessions() as session:
            again = await _wanted(session, principal, id, kind)
            if again.checksum == wanted.checksum:
                await _keep(session, again, kind)
                return
    raise OrderChanged("the order changes too fast; ask again")


async def link(
    sessions: Sessions, store: ObjectStore, principal: Principal, id: UUID, kind: Kind, secret: str, public_url: str
) -> str:
    """Where the document can be downloaded for some minutes. Raises `ResourceNotFound` before it was made."""
    async with sessions() as session:
        order = await queries.find(session, principal, id)
        path = _kept_path(order, kind) if order is not None else None
    if path is None:
        raise ResourceNotFound()
    elsewhere = await store.link("GET", path, LINK_LIFETIME)
    return elsewhere or f"{public_url}{links.signed(secret, download_path(id, kind), LINK_LIFETIME)}"


async def download(sessions: Sessions, store: ObjectStore, id: UUID, kind: Kind) -> tuple[bytes, str]:
    """The document that a signed link names, and the name of its file. Raises `ResourceNotFound`."""
    async with sessions() as session:
        order = (await session.execute(select(Order).where(Order.id == id))).scalar_one_or_none()
        path = _kept_path(order, kind) if order is not None else None
        number = (order.invoice_number if kind == "invoice" else order.receipt_number) if order is not None else None
    if path is None:
        raise ResourceNotFound()
    try:
        return await store.get(path), f"{kind}-{number}.pdf"
    except FileNotFoundError:
        raise ResourceNotFound() from None


def download_path(id: UUID, kind: Kind) -> str:
    """The route that gives a document to whoever has a link."""
    return f"/v1/orders/{id}/{kind}/download"


async def _wanted(session: AsyncSession, principal: Principal, id: UUID, kind: Kind) -> _Wanted:
    order = await queries.find(session, principal, id, lock=True)
    if order is None or (kind == "receipt" and (order.receipt_number is None or order.paid_at is None)):
        raise ResourceNotFound()
    if kind == "invoice":
        _ensure_invoiceable(order)
    if order.seller_data is None:
        order.seller_data = content.seller_of(await awaited_shape(session, order.organization_id))
    (shape,) = await queries.shapes(session, [order])
    if kind == "invoice":
        data, kept = content.invoice(shape, order.seller_data), order.invoice_checksum
    else:
        assert order.paid_at is not None
        data, kept = content.receipt(shape, order.seller_data, order.paid_at), order.receipt_checksum
    found = checksum(data)
    return _Wanted(order, data, found, _path(order, kind, found), found == kept)


def _ensure_invoiceable(order: Order) -> None:
    if order.status in ("draft", "void"):
        raise OrderNotInvoiceable(f"an order that is {order.status} has no invoice")
    for name in ("billing_name", "billing_address"):
        if not getattr(order, name):
            raise InvalidInput(("body", name), "The order has none: update it first", "missing")


async def _keep(session: AsyncSession, wanted: _Wanted, kind: Kind) -> None:
    order = wanted.order
    if kind == "receipt":
        order.receipt_checksum = wanted.checksum
        return
    is_first = order.invoice_checksum is None
    order.invoice_checksum = wanted.checksum
    if is_first:
        order.modified_at = clock.now()
        (shape,) = await queries.shapes(session, [order])
        outbox.record(session, events.told(OrderUpdatedV1, order, shape, order.modified_at))


def _kept_path(order: Order, kind: Kind) -> str | None:
    kept = order.invoice_checksum if kind == "invoice" else order.receipt_checksum
    return _path(order, kind, kept) if kept else None


def _path(order: Order, kind: Kind, of: str) -> str:
    return f"documents/{order.organization_id}/{order.id}/{kind}-{of}.pdf"
