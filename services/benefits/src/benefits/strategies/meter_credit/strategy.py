"""Credits of usage: noted on the grant, with every period anew; whoever rates usage hears of them by its events."""

from typing import Any

from servicekit import clock
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit


class MeterCredit:
    """Units of a meter, credited when the grant is given and when a new period begins."""

    async def give(
        self, session: AsyncSession, grant: BenefitGrant, benefit: Benefit, entitlement: Entitlement
    ) -> dict[str, Any]:
        """Credits the units; a benefit that was edited is credited from the next period on, unless nothing was yet."""
        if grant.is_told and grant.properties.get("last_credited_units"):
            return grant.properties
        return self._credit(benefit)

    async def take(self, session: AsyncSession, grant: BenefitGrant) -> dict[str, Any]:
        """Takes back what was credited last."""
        return {**grant.properties, "last_credited_units": 0}

    async def cycle(
        self, session: AsyncSession, grant: BenefitGrant, benefit: Benefit, entitlement: Entitlement
    ) -> dict[str, Any]:
        """Credits the units of the new period."""
        return self._credit(benefit)

    @staticmethod
    def _credit(benefit: Benefit) -> dict[str, Any]:
        return {
            "last_credited_meter_id": benefit.properties["meter_id"],
            "last_credited_units": benefit.properties["units"],
            "last_credited_at": clock.rfc3339(clock.now()),
        }
