"""Identifiers: UUIDs of version 7 for what is made here, of version 8 for what two services must derive alike."""

import hashlib
import hmac
import secrets
from uuid import UUID

from servicekit import clock


def uuid7() -> UUID:
    """A new time-ordered UUID (RFC 9562, version 7): 48 bits of milliseconds, 74 random bits."""
    return uuid7s(1)[0]


def uuid7s(count: int) -> list[UUID]:
    """Many of the same millisecond, for a third of the time each."""
    milliseconds = int(clock.wall().timestamp() * 1000)
    time_ordered = (milliseconds & (1 << 48) - 1) << 80
    random = secrets.token_bytes(10 * count)
    return [
        _stamp(time_ordered | int.from_bytes(random[start : start + 10], "big"), version=7)
        for start in range(0, 10 * count, 10)
    ]


def derive(secret: str, *parts: str) -> UUID:
    """The UUID (version 8) that anyone with `secret` derives from the same parts: HMAC-SHA-256, cut to 122 bits."""
    digest = hmac.new(secret.encode(), "\x1f".join(parts).encode(), hashlib.sha256).digest()
    return _stamp(int.from_bytes(digest[:16], "big"), version=8)


def email_key(email: str) -> str:
    """What ids are derived from for an e-mail: with the ASCII letters in lower case, and nothing else changed.

    Unicode's case folding makes one address of several mailboxes (`straße`, `strasse`). The database compares CITEXT,
    which never does; where it finds more addresses equal than this function, whoever is found by e-mail counts.
    """
    return "".join(letter.lower() if letter.isascii() else letter for letter in email)


def _stamp(value: int, version: int) -> UUID:
    value = value & ~(0xF << 76) | version << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
