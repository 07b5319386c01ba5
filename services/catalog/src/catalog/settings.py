"""Catalog's settings."""

from typing import Annotated

from fastapi import Depends, Request
from servicekit import settings
from servicekit.storage import FilesSettings

PART_LIMIT = 17 * 1024 * 1024


class Settings(FilesSettings, settings.Settings):
    """The common ones, and where files lie."""

    body_limit_bytes: int = PART_LIMIT
    """A part of an upload, which the gateway lets through on its own address alone."""


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


SettingsOf = Annotated[Settings, Depends(_settings)]
