"""Identifiers: UUIDs of version 7 for what is made here, of version 8 for what two services must derive alike."""

import hashlib
import hmac
import secrets
from uuid import UUID

from servicekit import clock


def uuid7() -> UUID:
    """A new time-ordered UUID (RFC 9562, version 7): 48 bits of milliseconds, 74 random bits."""
    milliseconds = int(clock.wall().timestamp() * 1000)
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    return _stamp(value, version=7)


def derive(secret: str, *parts: str) -> UUID:
    """The UUID (version 8) that anyone with `secret` derives from the same parts: HMAC-SHA-256, cut to 122 bits."""
    digest = hmac.new(secret.encode(), "\x1f".join(parts).encode(), hashlib.sha256).digest()
    return _stamp(int.from_bytes(digest[:16], "big"), version=8)


def _stamp(value: int, version: int) -> UUID:
    value = value & ~(0xF << 76) | version << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
