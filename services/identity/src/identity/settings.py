"""Identity's settings."""

import tempfile
from typing import Self

from pydantic import Field, model_validator
from servicekit import settings


class Settings(settings.MailSettings, settings.PagesSettings):
    """The common ones, the key that only identity signs principals with, and how its mail leaves."""

    principal_private_key: str = Field(repr=False)
    """Base64 of the 32-byte Ed25519 seed."""
    mail_from: str = "portal@localhost"

    @model_validator(mode="after")
    def _can_send(self) -> Self:
        if not self.mail_url and self.environment != "production":
            self.mail_url = f"file://{tempfile.gettempdir()}/polar-mails"
        if not self.mail_url.startswith(("file:///", "smtp://", "smtps://")):
            raise ValueError("MAIL_URL is missing: smtp://user:password@host:port, or file:///a/folder")
        return self
