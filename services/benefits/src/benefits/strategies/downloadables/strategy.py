"""Files that holders download."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit


class Downloadables:
    """While the grant is held, its customer gets links to the files that the benefit then has."""

    async def give(
        self, session: AsyncSession, grant: BenefitGrant, benefit: Benefit, entitlement: Entitlement
    ) -> dict[str, Any]:
        """Notes the files that the benefit has now."""
        return {"files": benefit.properties["files"]}

    async def take(self, session: AsyncSession, grant: BenefitGrant) -> dict[str, Any]:
        """Links that were given out work no more."""
        return grant.properties

    async def cycle(
        self, session: AsyncSession, grant: BenefitGrant, benefit: Benefit, entitlement: Entitlement
    ) -> dict[str, Any]:
        """Nothing changes."""
        return grant.properties
