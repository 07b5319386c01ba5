"""Finding what organizations connected."""

from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_page
from servicekit.locks import one_at_a_time
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_connections.models import BenefitConnection

COLUMNS: dict[str, Any] = {"created_at": BenefitConnection.created_at, "name": BenefitConnection.name}


async def list_connections(
    session: AsyncSession, principal: Principal, platform: str | None, page: Page, sorting: Sorting
) -> tuple[list[BenefitConnection], int]:
    """A page of the caller's connections."""
    statement = select(BenefitConnection).where(owned_by(principal, BenefitConnection))
    if platform is not None:
        statement = statement.where(BenefitConnection.platform == platform)
    return await fetch_page(session, statement, page, sorting.clauses(COLUMNS, BenefitConnection.id))


async def external_ids(session: AsyncSession, organization_id: UUID, platform: str) -> frozenset[str]:
    """The installations or servers that an organization connected."""
    statement = select(BenefitConnection.external_id).where(
        BenefitConnection.organization_id == organization_id, BenefitConnection.platform == platform
    )
    return frozenset((await session.execute(statement)).scalars())


async def is_connected(session: AsyncSession, organization_id: UUID, kind: str, properties: dict[str, Any]) -> bool:
    """Whether a benefit's repository belongs to a GitHub account, or its server is one, that was connected.

    GitHub's names can change hands: whether the repository is in the installation is asked at each grant.
    """
    statement = select(BenefitConnection.id).where(BenefitConnection.organization_id == organization_id)
    if kind == "github_repository":
        owner = func.lower(BenefitConnection.name) == properties["repository_owner"].lower()
        statement = statement.where(BenefitConnection.platform == "github", owner)
    else:
        server = BenefitConnection.external_id == properties["guild_id"]
        statement = statement.where(BenefitConnection.platform == "discord", server)
    return (await session.execute(statement.limit(1))).scalar_one_or_none() is not None


async def lock(session: AsyncSession, organization_id: UUID) -> None:
    """Until the transaction ends nobody else connects anything for the organization, or fails a grant for want of it.

    Taken before any grant is locked.
    """
    await one_at_a_time(session, f"connections of {organization_id}")
