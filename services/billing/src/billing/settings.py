"""Billing's settings: the common ones, and what the operator takes of payments."""

from pydantic import Field
from servicekit import settings

from billing.ledger.fees import PlatformFee


class Settings(settings.Settings):
    """The common settings, and the platform fee: nothing by default, since a company runs the suite for itself."""

    platform_fee_basis_points: int = Field(default=0, ge=0, le=10_000)
    platform_fee_fixed: dict[str, int] = Field(default={})
    """Minor units by lower-case currency, as JSON."""

    @property
    def platform_fee(self) -> PlatformFee:
        """What is taken of each payment."""
        return PlatformFee(self.platform_fee_basis_points, self.platform_fee_fixed)
