"""The settings of webhooks."""

import tempfile
from typing import Self

from pydantic import Field, model_validator
from servicekit import settings

HOUR = 3600
DAY = 24 * HOUR
SCHEDULE = (5, 30, 5 * 60, 30 * 60, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, DAY)


class Settings(settings.MailSettings):
    """The common ones, how deliveries are made and repeated, and how mail leaves."""

    webhook_timeout_seconds: float = Field(default=10, gt=0, le=60)
    webhook_retry_delays_seconds: tuple[int, ...] = SCHEDULE
    """How long after each failed attempt the next one comes: ten attempts over about three days."""
    webhook_concurrency: int = Field(default=1024, ge=1, le=4000)
    """How many deliveries one worker has in hand."""
    webhook_disable_after: int = Field(default=20, ge=1)
    """How many attempts in a row must have failed, over twelve hours at least, before an endpoint is disabled."""
    webhook_ports: tuple[int, ...] = (443, 8443)
    webhook_allow_internal_addresses: bool = False
    """For development and tests: plain http, any port, and addresses of this machine or of a private network."""
    mail_from: str = "webhooks@localhost"

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.webhook_allow_internal_addresses and self.environment == "production":
            raise ValueError("WEBHOOK_ALLOW_INTERNAL_ADDRESSES is for development and tests")
        if not self.mail_url and self.environment != "production":
            self.mail_url = f"file://{tempfile.gettempdir()}/polar-mails"
        if not self.mail_url.startswith(("file:///", "smtp://", "smtps://")):
            raise ValueError("MAIL_URL is missing: smtp://user:password@host:port, or file:///a/folder")
        return self
