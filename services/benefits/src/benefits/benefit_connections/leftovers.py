"""Benefits of earlier releases, which asked for no connection: what the operator finds, and connects after a look."""

from typing import Any

from servicekit.database import Sessions
from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_connections import operations
from benefits.benefit_connections.models import BenefitConnection
from benefits.benefit_connections.operations import Proven
from benefits.benefits.models import Benefit
from benefits.settings import Settings
from benefits.strategies.github_repository.client import Repository
from benefits.strategies.outside import Outsides
from benefits.strategies.properties import PLATFORMS
from benefits.strategies.protocol import Refused


async def unconnected(session: AsyncSession) -> list[Benefit]:
    """The benefits, not deleted, whose repository or server nobody connected: nothing new is given of them."""
    owner, guild = Benefit.properties["repository_owner"].astext, Benefit.properties["guild_id"].astext
    connection: Any = BenefitConnection
    is_connected = exists().where(
        connection.organization_id == Benefit.organization_id,
        or_(
            (connection.platform == "github") & (func.lower(connection.name) == func.lower(owner)),
            (connection.platform == "discord") & (connection.external_id == guild),
        ),
    )
    waiting = select(Benefit).where(Benefit.type.in_(PLATFORMS), Benefit.deleted_at.is_(None), ~is_connected)
    ordered = waiting.order_by(Benefit.organization_id, Benefit.id)
    return list((await session.execute(ordered)).scalars())


def place(benefit: Benefit) -> str:
    """The repository or the server of a benefit, to be read."""
    properties = benefit.properties
    if benefit.type == "discord":
        return f"Discord server {properties['guild_id']}"
    return f"GitHub repository {properties['repository_owner']}/{properties['repository_name']}"


async def connect(sessions: Sessions, benefit: Benefit, settings: Settings, outside: Outsides) -> None:
    """Connects a benefit's place to its organization, without a proof: the operator has looked.

    Raises `OutsideError` where GitHub does not answer, or the App is not installed on the repository.
    """
    if benefit.type == "discord":
        guild_id = benefit.properties["guild_id"]
        proven = Proven("discord", guild_id, guild_id, None)
    elif "github" not in settings.platforms:
        raise Refused("the GITHUB_* settings are missing")
    else:
        repository = Repository(benefit.properties["repository_owner"], benefit.properties["repository_name"])
        installation = await outside.github.installation_of(repository)
        proven = Proven("github", str(installation.id), installation.owner, None)
    async with sessions() as session:
        await operations.keep(session, benefit.organization_id, proven)
