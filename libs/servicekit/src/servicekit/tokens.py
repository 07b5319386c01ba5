"""Access tokens as text: a prefix, 37 letters and digits, and their CRC-32 in base 62 (the form of Polar's tokens)."""

import binascii
import hashlib
import hmac
import secrets
import string

_ALPHABET = string.digits + string.ascii_letters
_RANDOM = 37
_CHECKSUM = 6


def generate(prefix: str) -> str:
    """A new random token."""
    return _text(prefix, "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM)))


def derived(prefix: str, secret: str, *parts: str) -> str:
    """The token that anyone with `secret` derives from the same parts, and nobody else: 220 bits of HMAC-SHA-512."""
    number = int.from_bytes(hmac.new(secret.encode(), "\x1f".join(parts).encode(), hashlib.sha512).digest(), "big")
    return _text(prefix, _digits(number, _RANDOM))


def is_well_formed(token: str, prefix: str) -> bool:
    """Whether a token's checksum is right: a mistyped or made-up one is refused without asking the database."""
    if not token.startswith(prefix) or not token.isascii():
        return False
    random, checksum = token[len(prefix) : -_CHECKSUM], token[-_CHECKSUM:]
    return len(random) == _RANDOM and hmac.compare_digest(checksum, _checksum(random))


def hashed(token: str, secret: str) -> bytes:
    """What is stored of a token, or of another secret text: its HMAC-SHA-256 under the suite's secret."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).digest()


def _text(prefix: str, random: str) -> str:
    return f"{prefix}{random}{_checksum(random)}"


def _checksum(random: str) -> str:
    return _digits(binascii.crc32(random.encode()), _CHECKSUM)


def _digits(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
