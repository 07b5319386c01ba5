"""How each type of benefit is given and taken: one strategy a type, behind one registry.

The strategies here write to our own database alone, so a grant is complete when its transaction is.
"""

from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant
from benefits.benefits.models import Benefit
from benefits.license_keys import operations as license_keys


class Strategy(Protocol):
    """What a type of benefit does. Both verbs return the grant's new properties, and may be repeated."""

    async def give(self, session: AsyncSession, grant: BenefitGrant, benefit: Benefit) -> dict[str, Any]:
        """Gives the benefit to the grant's customer."""
        ...

    async def take(self, session: AsyncSession, grant: BenefitGrant) -> dict[str, Any]:
        """Takes it away."""
        ...


class Custom:
    """Nothing to do: the benefit is the note, or what the merchant does when they hear of the grant."""

    async def give(self, session: AsyncSession, grant: BenefitGrant, benefit: Benefit) -> dict[str, Any]:
        """Nothing to do."""
        return {}

    async def take(self, session: AsyncSession, grant: BenefitGrant) -> dict[str, Any]:
        """Nothing to do."""
        return {}


class LicenseKeys:
    """A key for each grant; it is the same again when the grant comes back."""

    async def give(self, session: AsyncSession, grant: BenefitGrant, benefit: Benefit) -> dict[str, Any]:
        """Makes the key, or revives it."""
        key = await license_keys.give(
            session,
            benefit,
            grant_id=grant.id,
            customer_id=grant.customer_id,
            never_expires=grant.subscription_id is not None,
        )
        return {"license_key_id": str(key.id), "display_key": key.display_key}

    async def take(self, session: AsyncSession, grant: BenefitGrant) -> dict[str, Any]:
        """Revokes the key."""
        await license_keys.revoke_of_grant(session, grant.id)
        return grant.properties


class Downloadables:
    """Nothing to do: while the grant is held, its customer gets links to the files that the benefit then has."""

    async def give(self, session: AsyncSession, grant: BenefitGrant, benefit: Benefit) -> dict[str, Any]:
        """Notes the files that the benefit has now."""
        return {"files": benefit.properties["files"]}

    async def take(self, session: AsyncSession, grant: BenefitGrant) -> dict[str, Any]:
        """Links that were given out work no more."""
        return grant.properties


STRATEGIES: dict[str, Strategy] = {
    "custom": Custom(),
    "feature_flag": Custom(),
    "license_keys": LicenseKeys(),
    "downloadables": Downloadables(),
}
