"""Links to files, and the counting of those who follow them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid5

from servicekit import clock, links
from servicekit.auth import Principal
from servicekit.errors import ResourceNotFound
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.downloadables import queries
from benefits.downloadables.models import Download
from benefits.downloadables.schemas import Download as Link
from benefits.downloadables.schemas import DownloadableRead
from benefits.settings import Settings

LIFETIME = timedelta(hours=1)
HANDED_ON = timedelta(minutes=5)
"""How long the catalog's own link works, to which a download is sent on."""


def path_of(grant_id: UUID, file_id: UUID) -> str:
    """The address of one grant's download of a file."""
    return f"/v1/customer-portal/downloadables/{grant_id}/{file_id}"


async def list_own(
    session: AsyncSession, principal: Principal, benefit_id: Sequence[UUID] | None, settings: Settings
) -> list[DownloadableRead]:
    """What the customer may download, with links that work for an hour."""
    expires_at = clock.wall() + LIFETIME
    shown = []
    for grant, file_id, file in await queries.granted(session, principal, benefit_id):
        url = settings.public_url + links.signed(settings.secret, path_of(grant.id, file_id), LIFETIME)
        link = Link(url=url, expires_at=expires_at)
        shown.append(DownloadableRead.of(uuid5(grant.id, str(file_id)), grant.benefit_id, file, link))
    return shown


async def download(session: AsyncSession, grant_id: UUID, file_id: UUID, settings: Settings) -> str:
    """Counts a download, and says where the file is. Raises `ResourceNotFound` once the grant or the file is gone."""
    found = await queries.gives(session, grant_id, file_id)
    if found is None:
        raise ResourceNotFound()
    grant, _ = found
    now = clock.now()
    counted = insert(Download).values(
        grant_id=grant.id,
        file_id=file_id,
        organization_id=grant.organization_id,
        benefit_id=grant.benefit_id,
        customer_id=grant.customer_id,
        downloads=1,
        last_downloaded_at=now,
    )
    once_more = {"downloads": Download.downloads + 1, "last_downloaded_at": now}
    await session.execute(
        counted.on_conflict_do_update(index_elements=[Download.grant_id, Download.file_id], set_=once_more)
    )
    return settings.public_url + links.signed(settings.secret, f"/v1/files/{file_id}/download", HANDED_ON)
