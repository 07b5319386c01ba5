"""`/v1/orders/{id}/receipt` for the merchant, and its twin in the customer's portal."""

from uuid import UUID

from fastapi import Response
from servicekit import links
from servicekit.errors import NotPermitted, ResourceNotFound, responses
from servicekit.routing import ResourceRouter, SessionsOf

from billing.documents import issue
from billing.documents.access import Customer, DocumentLink, Reader, SettingsOf, StoreOf, pdf

router = ResourceRouter("/orders/{id}/receipt", "orders")
portal_router = ResourceRouter("/customer-portal/orders/{id}/receipt", "customer_portal:orders")
GIVEN = responses(ResourceNotFound, issue.OrderChanged)


@router.get("", name="receipt", responses=GIVEN)
async def receipt(
    id: UUID, sessions: SessionsOf, principal: Reader, store: StoreOf, settings: SettingsOf
) -> DocumentLink:
    """Gets a link to the receipt of a paid order, made anew when something was given back since."""
    await issue.issue(sessions, store, principal, id, "receipt")
    url = await issue.link(sessions, store, principal, id, "receipt", settings.secret, settings.public_url)
    return DocumentLink(url=url)


@router.get(
    "/download", name="download_receipt", include_in_schema=False, responses=responses(ResourceNotFound, NotPermitted)
)
async def download(
    id: UUID,
    sessions: SessionsOf,
    store: StoreOf,
    settings: SettingsOf,
    expires: links.Expires,
    signature: links.Signature,
) -> Response:
    """Gives a receipt to whoever has a link to it."""
    links.verify(settings.secret, issue.download_path(id, "receipt"), expires, signature)
    return pdf(*await issue.download(sessions, store, id, "receipt"))


@portal_router.get("", name="receipt", responses=GIVEN)
async def own_receipt(
    id: UUID, sessions: SessionsOf, principal: Customer, store: StoreOf, settings: SettingsOf
) -> DocumentLink:
    """Gets a link to the receipt of a paid order of the customer's own."""
    await issue.issue(sessions, store, principal, id, "receipt")
    url = await issue.link(sessions, store, principal, id, "receipt", settings.secret, settings.public_url)
    return DocumentLink(url=url)
