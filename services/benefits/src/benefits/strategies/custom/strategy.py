"""Custom benefits and feature flags: nothing is done for them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant
from benefits.strategies.protocol import Gift


class Custom:
    """Nothing to do: the benefit is the note, or what the merchant does when they hear of the grant."""

    async def give(self, session: AsyncSession, gifts: Sequence[Gift]) -> list[dict[str, Any]]:
        """Nothing to do."""
        return [{} for _ in gifts]

    async def take(self, session: AsyncSession, grants: Sequence[BenefitGrant]) -> list[dict[str, Any]]:
        """Nothing to do."""
        return [{} for _ in grants]

    async def cycle(self, session: AsyncSession, gifts: Sequence[Gift]) -> list[dict[str, Any]]:
        """Nothing to do."""
        return [{} for _ in gifts]
