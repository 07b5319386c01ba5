"""Organization access tokens: the machine credentials of a seller."""

import binascii
import hashlib
import hmac
import secrets
import string
from datetime import datetime
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base

PREFIX = "polar_oat_"
_ALPHABET = string.digits + string.ascii_letters
_RANDOM = 37
_CHECKSUM = 6


class AccessToken(Record, Base):
    """A token of an organization. Only its HMAC is kept: who reads this table cannot use it."""

    __tablename__ = "organization_access_tokens"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    comment: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)


def generate(prefix: str = PREFIX) -> str:
    """A new token: prefix, 37 random letters and digits, and their CRC-32 in base 62 (the form of Polar's tokens)."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return f"{prefix}{random}{_checksum(random)}"


def is_well_formed(token: str) -> bool:
    """Whether a token's checksum is right: a mistyped or made-up one is refused without asking the database."""
    if not token.startswith(PREFIX) or not token.isascii():
        return False
    random, checksum = token[len(PREFIX) : -_CHECKSUM], token[-_CHECKSUM:]
    return len(random) == _RANDOM and hmac.compare_digest(checksum, _checksum(random))


def hashed(token: str, secret: str) -> bytes:
    """What is stored of a token: its HMAC-SHA-256 under the suite's secret."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).digest()


def _checksum(random: str) -> str:
    number = binascii.crc32(random.encode())
    digits = ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
