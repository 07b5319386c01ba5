"""What can be done with files. The bytes move outside of every transaction."""

import base64
from uuid import UUID

from servicekit import clock, ids, links, outbox
from servicekit.auth import Principal
from servicekit.database import Sessions
from servicekit.errors import InvalidInput, ResourceNotFound
from servicekit.locks import one_at_a_time
from servicekit.quotas import Quotas
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.files import events, queries
from catalog.files.models import PUBLIC, File
from catalog.files.schemas import (
    PART_BYTES,
    FileCreate,
    FileUpdate,
    FileUpload,
    FileUploadCompleted,
    Upload,
    UploadPart,
)
from catalog.files.storage import LINK_LIFETIME, PartMismatch, Storage
from catalog.products import operations as products
from catalog.settings import Settings

PART_HEADERS = {"Content-Type": "application/octet-stream"}


async def create(
    sessions: Sessions,
    principal: Principal,
    wish: FileCreate,
    storage: Storage,
    settings: Settings,
    quotas: Quotas,
) -> FileUpload:
    """Announces a file, and says where its parts go.

    Raises `InvalidInput` for another organization, and `QuotaExceeded` for too many files or bytes. A file counts until
    its bytes are removed.
    """
    organization_id = principal.organization(wish.organization_id)
    id = ids.uuid7()
    now = clock.now()
    file = File(
        id=id,
        organization_id=organization_id,
        created_at=now,
        service=wish.service,
        name=wish.name,
        path=f"{wish.service}/{organization_id}/{id}",
        public_url=f"{settings.public_url}/v1/files/{id}/public" if wish.service in PUBLIC else None,
        mime_type=wish.mime_type,
        size=wish.size,
        version=wish.version,
        checksum_sha256_base64=wish.checksum_sha256_base64,
        is_uploaded=False,
        parts=[part.model_dump() for part in wish.upload.parts],
    )
    parts = []
    for part in wish.upload.parts:
        url = await storage.part_url(file, part.number)
        own = f"{settings.public_url}{links.signed(settings.secret, part_route(file, part.number), LINK_LIFETIME)}"
        address = {"url": url or own, "expires_at": now + LINK_LIFETIME, "headers": PART_HEADERS}
        parts.append(UploadPart(**part.model_dump(), **address))
    async with sessions() as session:
        await one_at_a_time(session, f"files of {organization_id}")
        await quotas.ensure_room(session, File, organization_id, File.removed_at.is_(None))
        quotas.ensure("file_bytes", await queries.bytes_of(session, organization_id) + file.size)
        session.add(file)
    shown = events.shape(file).model_dump(include=set(FileUpload.model_fields))
    return FileUpload(**shown, upload=Upload(id=str(file.id), path=file.path, parts=parts))


def part_route(file: File, number: int) -> str:
    """The suite's own address of a part."""
    return f"/v1/files/{file.id}/parts/{number}"


async def put_part(sessions: Sessions, id: UUID, number: int, body: bytes, storage: Storage) -> str:
    """Keeps a part of an upload, and returns its ETag. A part may be sent again.

    Raises `ResourceNotFound`, or `InvalidInput` for a part that is not the announced one.
    """
    async with sessions() as session:
        file = await queries.linked(session, id)
    if file is None or file.is_uploaded:
        raise ResourceNotFound()
    announced = next((part for part in file.parts if part["number"] == number), None)
    if announced is None:
        raise ResourceNotFound()
    if len(body) != announced["chunk_end"] - announced["chunk_start"] or len(body) > PART_BYTES:
        raise InvalidInput(("body",), "The part has another size than was announced")
    return await storage.put_part(file, number, body)


async def complete(
    sessions: Sessions, principal: Principal, id: UUID, done: FileUploadCompleted, storage: Storage
) -> File:
    """Joins the parts, and makes the file usable. A second time does nothing.

    Raises `ResourceNotFound`, or `InvalidInput` naming the part that is missing or not what was announced.
    """
    async with sessions() as session:
        file = await get(session, principal, id)
    if file.is_uploaded:
        return file
    if done.id != str(file.id) or done.path != file.path:
        raise InvalidInput(("body", "id" if done.id != str(file.id) else "path"), "is not that of this upload")
    etags = {part.number: part.checksum_etag for part in done.parts}
    if set(etags) != {part["number"] for part in file.parts}:
        raise InvalidInput(("body", "parts"), "should be every part of the upload")
    try:
        joined = await storage.join(file, etags)
    except PartMismatch as problem:
        raise InvalidInput(("body", "parts", problem.number - 1), str(problem)) from None
    sha256 = base64.b64encode(joined.sha256).decode()
    if file.checksum_sha256_base64 not in (None, sha256):
        raise InvalidInput(("body", "parts"), "the whole has another SHA-256 than was announced")
    async with sessions() as session:
        file = await get(session, principal, id, lock=True)
        if not file.is_uploaded:
            file.is_uploaded = True
            file.checksum_sha256_base64, file.checksum_sha256_hex = sha256, joined.sha256.hex()
            file.checksum_etag = joined.etag
            file.last_modified_at = clock.now()
            outbox.record(session, events.file_uploaded(file, events.shape(file)))
    await storage.remove_parts(file)
    return file


async def get(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> File:
    """Raises `ResourceNotFound`."""
    file = await queries.find(session, principal, id, lock=lock)
    if file is None:
        raise ResourceNotFound()
    return file


async def update(session: AsyncSession, principal: Principal, id: UUID, changes: FileUpdate) -> File:
    """Gives a file another name or version. Raises `ResourceNotFound`."""
    file = await get(session, principal, id, lock=True)
    if changes.name is not None:
        file.name = changes.name
    if "version" in changes.model_fields_set:
        file.version = changes.version
    await _tell(session, file)
    return file


async def delete(session: AsyncSession, principal: Principal, id: UUID) -> None:
    """Deletes a file; a timer removes its bytes. Raises `ResourceNotFound`."""
    file = await get(session, principal, id, lock=True)
    file.deleted_at = clock.now()
    await _tell(session, file)


async def _tell(session: AsyncSession, file: File) -> None:
    file.modified_at = clock.now()
    await session.flush()
    if file.is_uploaded:
        outbox.record(session, events.file_updated(file, events.shape(file)))
        await products.tell_of_media(session, file.id)
