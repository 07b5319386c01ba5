"""Endpoints: where a merchant wants to hear what happens."""

import base64
import hashlib
import secrets
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet
from servicekit.database import Record
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from webhooks.database import Base
from webhooks.endpoints.schemas import ALIASES

PREFIX = "whsec_"


def new_secret() -> str:
    """A new signing secret: `whsec_` and the base64 of 32 random bytes (Standard Webhooks)."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


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
    deleted_at: Mapped[datetime | None]

    def wants(self, event_type: str) -> bool:
        """Whether it asked for events of a type."""
        return any(ALIASES.get(name, name) == event_type for name in self.events)

    def set_secret(self, secret: str, suite_secret: str) -> None:
        """Keeps a signing secret, encrypted with the suite's."""
        self.encrypted_secret = _cipher(suite_secret).encrypt(secret.encode())

    def secret(self, suite_secret: str) -> str:
        """The signing secret."""
        return _cipher(suite_secret).decrypt(self.encrypted_secret).decode()


Index("webhook_endpoints_list_idx", Endpoint.organization_id, Endpoint.created_at.desc(), Endpoint.id.desc())
