"""Identity's settings."""

from pydantic import Field
from servicekit import settings


class Settings(settings.Settings):
    """The common ones, and the key that only identity signs principals with."""

    principal_private_key: str = Field(repr=False)
    """Base64 of the 32-byte Ed25519 seed."""
