"""Credits of usage: noted on the grant, with every period anew; whoever rates usage hears of them by its events."""

from collections.abc import Sequence
from typing import Any

from servicekit import clock
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant
from benefits.benefits.models import Benefit
from benefits.strategies.protocol import Gift


class MeterCredit:
    """Units of a meter, credited when the grant is given and when a new period begins."""

    async def give(self, session: AsyncSession, gifts: Sequence[Gift]) -> list[dict[str, Any]]:
        """Credits the units; a benefit that was edited is credited from the next period on, unless nothing was yet."""
        return [
            gift.grant.properties
            if gift.grant.is_told and gift.grant.properties.get("last_credited_units")
            else self._credit(gift.benefit)
            for gift in gifts
        ]

    async def take(self, session: AsyncSession, grants: Sequence[BenefitGrant]) -> list[dict[str, Any]]:
        """Takes back what was credited last."""
        return [{**grant.properties, "last_credited_units": 0} for grant in grants]

    async def cycle(self, session: AsyncSession, gifts: Sequence[Gift]) -> list[dict[str, Any]]:
        """Credits the units of the new period."""
        return [self._credit(gift.benefit) for gift in gifts]

    @staticmethod
    def _credit(benefit: Benefit) -> dict[str, Any]:
        return {
            "last_credited_meter_id": benefit.properties["meter_id"],
            "last_credited_units": benefit.properties["units"],
            "last_credited_at": clock.rfc3339(clock.now()),
        }
