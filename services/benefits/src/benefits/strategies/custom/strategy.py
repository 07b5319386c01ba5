"""Custom benefits and feature flags: nothing is done for them."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit


class Custom:
    """Nothing to do: the benefit is the note, or what the merchant does when they hear of the grant."""

    async def give(
        self, session: AsyncSession, grant: BenefitGrant, benefit: Benefit, entitlement: Entitlement
    ) -> dict[str, Any]:
        """Nothing to do."""
        return {}

    async def take(self, session: AsyncSession, grant: BenefitGrant) -> dict[str, Any]:
        """Nothing to do."""
        return {}

    async def cycle(
        self, session: AsyncSession, grant: BenefitGrant, benefit: Benefit, entitlement: Entitlement
    ) -> dict[str, Any]:
        """Nothing to do."""
        return {}
