"""The settings of webhooks."""

from pydantic import Field
from servicekit import settings

HOUR = 3600
DAY = 24 * HOUR
SCHEDULE = (5, 30, 5 * 60, 30 * 60, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, DAY)


class Settings(settings.Settings):
    """The common ones, and how deliveries are repeated."""

    webhook_timeout_seconds: float = Field(default=10, gt=0, le=60)
    webhook_retry_delays_seconds: tuple[int, ...] = SCHEDULE
    """How long after each failed attempt the next one comes: ten attempts over about three days."""
    webhook_concurrency: int = Field(default=64, ge=1, le=1000)
    """How many deliveries one worker has in hand."""

    @property
    def allows_private_addresses(self) -> bool:
        """Whether endpoints may be on this machine or in a private network: never in production."""
        return self.environment != "production"
