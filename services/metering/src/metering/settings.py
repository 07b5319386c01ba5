"""Metering's settings."""

from typing import ClassVar

from servicekit import settings


class Settings(settings.Settings):
    """The common settings; a body may be larger, for a batch of a thousand events."""

    body_limit_bytes: int = 10 * 1024 * 1024
    large_json_paths: ClassVar[frozenset[str]] = frozenset({"/v1/events/ingest"})
