"""Endpoints: where a merchant wants to hear what happens."""

import base64
import hashlib
import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet
from servicekit.database import Record
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from webhooks.database import Base
from webhooks.endpoints.schemas import ALIASES

PREFIX = "whsec_"
OVERLAP = timedelta(hours=24)
"""For how long a replaced secret still signs beside the new one."""


def new_secret() -> str:
    """A new signing secret: `whsec_` and the base64 of 32 random bytes (Standard Webhooks)."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


@lru_cache(maxsize=10_000)
def opened(encrypted: bytes, suite_secret: str) -> str:
    """The signing secret behind what is kept of it; deciphered once, since every delivery needs it."""
    return _cipher(suite_secret).decrypt(encrypted).decode()


@lru_cache(maxsize=4)
def _cipher(suite_secret: str) -> Fernet:
    key = hashlib.scrypt(suite_secret.encode(), salt=b"webhook endpoint secrets", n=2**4, r=8, p=1, dklen=32)
    return Fernet(base64.urlsafe_b64encode(key))


class Endpoint(Record, Base):
    """An address, the events that it asked for, and the secret that signs what it gets (kept encrypted)."""

    __tablename__ = "webhook_endpoints"

    url: Mapped[str]
    name: Mapped[str | None]
    format: Mapped[str]
    api_version: Mapped[str]
    events: Mapped[list[Any]]
    """As they were given; the documented API's aliases among them."""
    enabled: Mapped[bool] = mapped_column(default=True)
    encrypted_secret: Mapped[bytes]
    previous_encrypted_secret: Mapped[bytes | None]
    previous_secret_until: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    """Attempts in a row that failed; `failing_since` is the instant of the first of them."""
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]

    def name_of(self, event_type: str) -> str | None:
        """The name by which it asked for events of a type; None when it did not."""
        return next((name for name in self.events if ALIASES.get(name, name) == event_type), None)

    def set_secret(self, secret: str, suite_secret: str) -> None:
        """Keeps a signing secret, encrypted with the suite's."""
        self.encrypted_secret = _cipher(suite_secret).encrypt(secret.encode())

    def rotate_secret(self, secret: str, suite_secret: str, now: datetime, overlap: timedelta) -> None:
        """Replaces the secret; what is sent within `overlap` is signed with both."""
        self.previous_encrypted_secret = self.encrypted_secret if overlap else None
        self.previous_secret_until = now + overlap if overlap else None
        self.set_secret(secret, suite_secret)

    def secret(self, suite_secret: str) -> str:
        """The signing secret."""
        return opened(self.encrypted_secret, suite_secret)

    def disable(self, reason: str, now: datetime) -> None:
        """Ends its deliveries; what it would be told is kept. `reason` is shown to the merchant."""
        self.enabled, self.disabled_at, self.disabled_reason, self.modified_at = False, now, reason, now

    def enable(self, now: datetime) -> None:
        """Starts its deliveries, with no failure on its record."""
        self.enabled, self.disabled_at, self.disabled_reason, self.modified_at = True, None, None, now
        self.failures, self.failing_since = 0, None


Index("webhook_endpoints_list_idx", Endpoint.organization_id, Endpoint.created_at.desc(), Endpoint.id.desc())
