"""Files that holders download."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant
from benefits.strategies.protocol import Gift


class Downloadables:
    """While the grant is held, its customer gets links to the files that the benefit then has."""

    async def give(self, session: AsyncSession, gifts: Sequence[Gift]) -> list[dict[str, Any]]:
        """Notes the files that the benefit has now."""
        return [{"files": gift.benefit.properties["files"]} for gift in gifts]

    async def take(self, session: AsyncSession, grants: Sequence[BenefitGrant]) -> list[dict[str, Any]]:
        """Links that were given out work no more."""
        return [grant.properties for grant in grants]

    async def cycle(self, session: AsyncSession, gifts: Sequence[Gift]) -> list[dict[str, Any]]:
        """Nothing changes."""
        return [gift.grant.properties for gift in gifts]
