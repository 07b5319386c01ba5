"""`/v1/orders/{id}/invoice` for the merchant, and its twin in the customer's portal."""

from uuid import UUID

from fastapi import Response
from servicekit import links
from servicekit.errors import NotPermitted, ResourceNotFound, responses
from servicekit.routing import ResourceRouter, SessionsOf

from billing.documents import issue
from billing.documents.access import Customer, DocumentLink, Reader, SettingsOf, StoreOf, pdf

router = ResourceRouter("/orders/{id}/invoice", "orders")
portal_router = ResourceRouter("/customer-portal/orders/{id}/invoice", "customer_portal:orders")
GENERATED = responses(ResourceNotFound, issue.OrderNotInvoiceable, issue.OrderChanged)


@router.post("", name="generate_invoice", status_code=202, responses=GENERATED)
async def generate_invoice(id: UUID, sessions: SessionsOf, principal: Reader, store: StoreOf) -> None:
    """Makes an order's invoice, which is there when this answers; one that says the same is kept."""
    await issue.issue(sessions, store, principal, id, "invoice")


@router.get("", name="invoice", responses=responses(ResourceNotFound))
async def invoice(
    id: UUID, sessions: SessionsOf, principal: Reader, store: StoreOf, settings: SettingsOf
) -> DocumentLink:
    """Gets a link to an order's invoice, which was made before."""
    url = await issue.link(sessions, store, principal, id, "invoice", settings.secret, settings.public_url)
    return DocumentLink(url=url)


@router.get(
    "/download", name="download_invoice", include_in_schema=False, responses=responses(ResourceNotFound, NotPermitted)
)
async def download(
    id: UUID,
    sessions: SessionsOf,
    store: StoreOf,
    settings: SettingsOf,
    expires: links.Expires,
    signature: links.Signature,
) -> Response:
    """Gives an invoice to whoever has a link to it."""
    links.verify(settings.secret, issue.download_path(id, "invoice"), expires, signature)
    return pdf(*await issue.download(sessions, store, id, "invoice"))


@portal_router.post("", name="generate_invoice", status_code=202, responses=GENERATED)
async def generate_own_invoice(id: UUID, sessions: SessionsOf, principal: Customer, store: StoreOf) -> None:
    """Makes the invoice of an order of the customer's own; it is there when this answers."""
    await issue.issue(sessions, store, principal, id, "invoice")


@portal_router.get("", name="invoice", responses=responses(ResourceNotFound))
async def own_invoice(
    id: UUID, sessions: SessionsOf, principal: Customer, store: StoreOf, settings: SettingsOf
) -> DocumentLink:
    """Gets a link to the invoice of an order of the customer's own."""
    url = await issue.link(sessions, store, principal, id, "invoice", settings.secret, settings.public_url)
    return DocumentLink(url=url)
