"""How many of one resource an organization may have, so that one tenant cannot fill what all share."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.errors import NotPermitted
from servicekit.locks import one_at_a_time
from servicekit.settings import QUOTAS

IN_FLIGHT = 1_000
"""More transactions than a database takes at once: so far below a limit, none has to wait for another."""


class QuotaExceeded(NotPermitted):
    """The organization has as many of this resource as it may have: `limit` says how many, `resource` of what."""


class Quotas:
    """The limits of an installation: `servicekit.settings.QUOTAS`, changed by the setting `QUOTAS`."""

    def __init__(self, changed: Mapping[str, int]) -> None:
        self._limits = {**QUOTAS, **changed}

    async def ensure_room(
        self, session: AsyncSession, model: type[Any], organization_id: UUID, *present: ColumnElement[bool]
    ) -> None:
        """For a transaction that adds a row of `model`: call it right before.

        `present` narrows the rows that count, for example to those that are not deleted. Close to the limit the
        transactions of one organization come one after the other, so that it is exact. Raises `QuotaExceeded`.
        """
        name: str = model.__tablename__
        limit = self._limits[name]
        if await _count(session, model, organization_id, limit, *present) < limit - IN_FLIGHT:
            return
        await one_at_a_time(session, f"quota of {name}: {organization_id}")
        self.ensure(name, await _count(session, model, organization_id, limit, *present) + 1)

    def ensure(self, name: str, wanted: int) -> None:
        """For a number that the caller has counted under its lock. Raises `QuotaExceeded`."""
        limit = self._limits[name]
        if wanted > limit:
            spoken = name.replace("_", " ")
            raise QuotaExceeded(f"The limit of {limit} {spoken} is reached", resource=name, limit=limit)


async def _count(
    session: AsyncSession, model: type[Any], organization_id: UUID, limit: int, *present: ColumnElement[bool]
) -> int:
    some = select(model.id).where(model.organization_id == organization_id, *present).limit(limit).subquery()
    counted: int = (await session.execute(select(func.count()).select_from(some))).scalar_one()
    return counted


async def quotas_of(request: Request) -> Quotas:
    """The limits of this installation."""
    return Quotas(request.app.state.settings.quotas)


QuotasOf = Annotated[Quotas, Depends(quotas_of)]
"""The limits of this installation, for a route that adds to what an organization has."""
