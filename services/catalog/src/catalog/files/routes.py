"""`/v1/files/`: announcing, uploading in parts, and downloading by links that are signed."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from servicekit import links
from servicekit.auth import Principal, allow
from servicekit.errors import NotPermitted, ResourceNotFound, responses
from servicekit.inputs import RawBody
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.quotas import QuotaExceeded, QuotasOf
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf

from catalog.files import events, operations, queries
from catalog.files.models import PUBLIC, File
from catalog.files.schemas import FileCreate, FileRead, FileUpdate, FileUpload, FileUploadCompleted
from catalog.files.storage import Storage
from catalog.settings import SettingsOf

router = ResourceRouter("/files", "files")
Reader = Annotated[Principal, allow("files:read", "files:write")]
Writer = Annotated[Principal, allow("files:write")]
Ids = Annotated[list[UUID] | None, Query()]
NOT_FOUND = responses(ResourceNotFound)
LINKED = responses(ResourceNotFound, NotPermitted)
_HARMLESS = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}
"""A picture may be a page with scripts (SVG): it is never run as one of ours."""


async def _storage(request: Request) -> Storage:
    storage: Storage = request.app.state.storage
    return storage


StorageOf = Annotated[Storage, Depends(_storage)]


@router.get("/", name="list")
async def list_files(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
    organization_id: Ids = None,
    ids: Ids = None,
) -> ListResource[FileRead]:
    """Lists the files that were uploaded."""
    files, total = await queries.list_files(session, principal, organization_id, ids, page, sorting)
    return page.of([_read(file) for file in files], total)


@router.post("/", name="create", status_code=201, responses=responses(QuotaExceeded))
async def create(
    sessions: SessionsOf,
    principal: Writer,
    file: FileCreate,
    storage: StorageOf,
    settings: SettingsOf,
    quotas: QuotasOf,
) -> FileUpload:
    """Announces a file; its parts are then PUT to the addresses of the answer."""
    return await operations.create(sessions, principal, file, storage, settings, quotas)


@router.post("/{id}/uploaded", name="uploaded", responses=LINKED)
async def uploaded(
    id: UUID,
    sessions: SessionsOf,
    principal: Writer,
    body: FileUploadCompleted,
    storage: StorageOf,
) -> FileRead:
    """Completes an upload."""
    return _read(await operations.complete(sessions, principal, id, body, storage))


@router.patch("/{id}", name="update", responses=LINKED)
async def update(id: UUID, session: SessionOf, principal: Writer, changes: FileUpdate) -> FileRead:
    """Changes a file's name or version."""
    return _read(await operations.update(session, principal, id, changes))


@router.delete("/{id}", name="delete", status_code=204, responses=LINKED)
async def delete(id: UUID, session: SessionOf, principal: Writer) -> None:
    """Deletes a file."""
    await operations.delete(session, principal, id)


@router.put("/{id}/parts/{number}", name="put_part", responses=LINKED, include_in_schema=False)
async def put_part(
    id: UUID,
    number: int,
    body: RawBody,
    sessions: SessionsOf,
    storage: StorageOf,
    settings: SettingsOf,
    expires: links.Expires,
    signature: links.Signature,
) -> Response:
    """Takes a part of an upload, where the store has no addresses of its own."""
    links.verify(settings.secret, f"/v1/files/{id}/parts/{number}", expires, signature)
    etag = await operations.put_part(sessions, id, number, body, storage)
    return Response(status_code=200, headers={"ETag": f'"{etag}"'})


@router.get("/{id}/download", name="download", responses=LINKED, include_in_schema=False)
async def download(
    id: UUID,
    sessions: SessionsOf,
    storage: StorageOf,
    settings: SettingsOf,
    expires: links.Expires,
    signature: links.Signature,
) -> Response:
    """Gives a file to whoever has a link to it."""
    links.verify(settings.secret, f"/v1/files/{id}/download", expires, signature)
    file = await _uploaded(sessions, id)
    elsewhere = await storage.download_url(file)
    if elsewhere is not None:
        return RedirectResponse(elsewhere, 307)
    disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
    return await _body(file, storage, {"Content-Disposition": disposition, **_HARMLESS})


@router.get("/{id}/public", name="public", responses=NOT_FOUND, include_in_schema=False)
async def public(id: UUID, sessions: SessionsOf, storage: StorageOf) -> Response:
    """Shows a picture of a product or an organization to everybody. It never changes, and may be kept for ever."""
    file = await _uploaded(sessions, id)
    if file.service not in PUBLIC:
        raise ResourceNotFound()
    return await _body(file, storage, {"Cache-Control": "public, max-age=31536000, immutable", **_HARMLESS})


async def _uploaded(sessions: SessionsOf, id: UUID) -> File:
    async with sessions() as session:
        file = await queries.linked(session, id)
    if file is None or not file.is_uploaded:
        raise ResourceNotFound()
    return file


async def _body(file: File, storage: Storage, headers: dict[str, str]) -> Response:
    headers = {**headers, "Content-Length": str(file.size), "ETag": f'"{file.checksum_etag}"'}
    return StreamingResponse(await storage.read(file), media_type=file.mime_type, headers=headers)


def _read(file: File) -> FileRead:
    return FileRead.model_validate(events.shape(file).model_dump())
