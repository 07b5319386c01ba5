"""What the routes of invoices and receipts share: where documents lie, and how one is given."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request, Response
from pydantic import BaseModel
from servicekit.auth import Principal, allow
from servicekit.storage import ObjectStore

from billing.settings import Settings

Reader = Annotated[Principal, allow("orders:read", "orders:write")]
Customer = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", kind="customer")]


class DocumentLink(BaseModel):
    """Where a document can be downloaded, for ten minutes and without a token."""

    url: str


async def _store(request: Request) -> ObjectStore:
    store: ObjectStore = request.app.state.documents
    return store


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


StoreOf = Annotated[ObjectStore, Depends(_store)]
SettingsOf = Annotated[Settings, Depends(_settings)]


def pdf(body: bytes, name: str) -> Response:
    """A PDF that is saved under its name."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return Response(body, media_type="application/pdf", headers=headers)
