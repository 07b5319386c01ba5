"""Metering's settings."""

from servicekit import settings


class Settings(settings.Settings):
    """The common settings; a body may be larger, for a batch of a thousand events."""

    body_limit_bytes: int = 10 * 1024 * 1024
