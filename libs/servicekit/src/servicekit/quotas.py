"""How many of one resource an organization may have, so that one tenant cannot fill what all share."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.errors import NotPermitted
from servicekit.locks import one_at_a_time


class QuotaExceeded(NotPermitted):
    """The organization has as many of this resource as it may have: `limit` says how many, `resource` of what."""


async def ensure_room(
    session: AsyncSession,
    model: type[Any],
    organization_id: UUID,
    limit: int,
    *present: ColumnElement[bool],
    more: int = 1,
) -> None:
    """For a transaction that adds `more` rows of `model`, of which an organization may have `limit`.

    `present` narrows the rows that count, for example to those that are not deleted. Transactions of one organization
    come one after the other from here on, so that the limit is exact. Raises `QuotaExceeded`.
    """
    resource: str = model.__tablename__
    await one_at_a_time(session, f"quota of {resource}: {organization_id}")
    counted = select(model.id).where(model.organization_id == organization_id, *present).limit(limit).subquery()
    have: int = (await session.execute(select(func.count()).select_from(counted))).scalar_one()
    if have + more > limit:
        raise exceeded(resource, limit)


def exceeded(resource: str, limit: int) -> QuotaExceeded:
    """The refusal for a resource, by the name of its table."""
    spoken = resource.replace("_", " ")
    return QuotaExceeded(f"An organization may have at most {limit} {spoken}", resource=resource, limit=limit)
