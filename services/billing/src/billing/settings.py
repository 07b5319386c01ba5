"""Billing's settings: the common ones, Stripe, mail, and what the operator takes of payments."""

from processor import StripeSettings
from pydantic import Field
from servicekit import settings
from servicekit.storage import FilesSettings

from billing.ledger.fees import PlatformFee


class Settings(StripeSettings, FilesSettings, settings.MailSettings, settings.PagesSettings):
    """The common settings, how to reach Stripe, the mail and the pages, where documents lie, and the platform fee:
    nothing by default, since a company runs the suite for itself."""

    mail_url: str = Field(default="", repr=False)
    """`smtp://…` or `file:///folder`; empty: mails wait until it is set."""
    mail_from: str = "billing@localhost"
    platform_fee_basis_points: int = Field(default=0, ge=0, le=10_000)
    platform_fee_fixed: dict[str, int] = Field(default={})
    """Minor units by lower-case currency, as JSON."""

    @property
    def platform_fee(self) -> PlatformFee:
        """What is taken of each payment."""
        return PlatformFee(self.platform_fee_basis_points, self.platform_fee_fixed)
