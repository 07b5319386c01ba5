"""Connecting GitHub App installations and Discord servers: whoever connects one proves that they administer it."""

from dataclasses import dataclass
from uuid import UUID

from servicekit import clock, ids
from servicekit.auth import Principal, owned_by
from servicekit.database import Sessions
from servicekit.errors import ResourceNotFound
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_connections import queries
from benefits.benefit_connections.models import BenefitConnection
from benefits.benefit_connections.schemas import BenefitConnectionAuthorize
from benefits.benefit_grants import retries
from benefits.logins import operations as logins
from benefits.logins.operations import CALLBACK, Claimed
from benefits.settings import Settings
from benefits.strategies.outside import Outsides
from benefits.strategies.protocol import OutsideError, Refused


@dataclass(frozen=True)
class Proven:
    """An installation or a server that somebody administers; `connected_by` is None for the suite's operator."""

    platform: str
    external_id: str
    name: str
    connected_by: str | None


async def authorize(
    session: AsyncSession, principal: Principal, wish: BenefitConnectionAuthorize, settings: Settings
) -> str:
    """Begins to connect. Returns the address for the browser of a person who administers it. Raises `InvalidInput`."""
    organization_id = principal.organization(wish.organization_id)
    return await logins.begin(session, settings, organization_id, wish.platform, wish.return_to, account=wish.account)


async def finish(
    sessions: Sessions, login: Claimed, code: str, installation_id: int | None, settings: Settings, outside: Outsides
) -> str:
    """Exchanges the code, has the proof checked, and keeps the connection. Returns where the browser goes.

    What was not proven brings `error=…` to that page. `installation_id` comes from the browser: it only chooses among
    those that the person administers.
    """
    redirect_uri = settings.public_url + CALLBACK
    try:
        if login.platform == "github":
            tokens = await outside.github.exchange(code, login.verifier, redirect_uri)
            user = await outside.github.me(tokens)
            chosen = await outside.github.administered(tokens, user, login.account, installation_id)
            proven = Proven("github", str(chosen.id), chosen.owner, user.login)
        else:
            if installation_id is not None:
                raise Refused("Discord knows no installation_id")
            member, guild = await outside.discord.administered(code, login.verifier, redirect_uri, login.account)
            proven = Proven("discord", guild.id, guild.name, member.username)
    except OutsideError as error:
        return login.back(error=str(error))
    async with sessions() as session:
        await keep(session, login.organization_id, proven)
    return login.back(connected=login.platform)


async def keep(session: AsyncSession, organization_id: UUID, proven: Proven) -> None:
    """Keeps a connection, or renews it, and has the grants that failed for want of it given."""
    await queries.lock(session, organization_id)
    now = clock.now()
    known = {"name": proven.name, "connected_by": proven.connected_by}
    row = insert(BenefitConnection).values(
        id=ids.uuid7(),
        organization_id=organization_id,
        created_at=now,
        platform=proven.platform,
        external_id=proven.external_id,
        **known,
    )
    key = ["organization_id", "platform", "external_id"]
    await session.execute(row.on_conflict_do_update(index_elements=key, set_={**known, "modified_at": now}))
    await retries.of_organization(session, organization_id, proven.platform)


async def delete(session: AsyncSession, principal: Principal, id: UUID) -> None:
    """Removes a connection: nothing is given there any more. What was given stays until its grants end.

    Raises `ResourceNotFound`.
    """
    statement = select(BenefitConnection).where(owned_by(principal, BenefitConnection), BenefitConnection.id == id)
    connection = (await session.execute(statement.with_for_update())).scalar_one_or_none()
    if connection is None:
        raise ResourceNotFound()
    await session.delete(connection)
