"""What another system's OAuth server gave for a customer's account."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Tokens:
    """What an OAuth client was given for an account. `expires_at` is None for tokens that stay good."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
