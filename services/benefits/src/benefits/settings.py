"""The settings of benefits: the common ones."""

from servicekit import settings


class Settings(settings.Settings):
    """The common settings."""
