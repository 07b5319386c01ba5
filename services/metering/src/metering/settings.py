"""Metering's settings."""

from typing import ClassVar

from servicekit import settings


class Settings(settings.Settings):
    """The common settings; a body may be larger, for a batch of a thousand events."""

    body_limit_bytes: int = 10 * 1024 * 1024
    json_limit_bytes: ClassVar[int] = 10 * 1024 * 1024
