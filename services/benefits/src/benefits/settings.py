"""The settings of benefits: the common ones, and the accounts with which it acts at GitHub and Discord."""

from typing import Literal

from pydantic import Field, field_validator
from servicekit import settings


class Settings(settings.Settings):
    """The common ones, and those of the outside. A benefit of an outside that is not set up cannot be created."""

    github_app_id: str = ""
    github_app_private_key: str = Field(default="", repr=False)
    """PEM; line ends may be written as `\\n`."""
    github_client_id: str = ""
    """The app's OAuth client, with which customers connect their accounts."""
    github_client_secret: str = Field(default="", repr=False)
    github_api_url: str = "https://api.github.com"
    """For GitHub Enterprise Server `https://<host>/api/v3`."""
    github_max_permission: Literal["pull", "triage", "push", "maintain", "admin"] = "push"
    """The most that a benefit may give in a repository. `maintain` and `admin` let a buyer change the repository."""
    discord_client_id: str = ""
    discord_client_secret: str = Field(default="", repr=False)
    discord_bot_token: str = Field(default="", repr=False)
    discord_api_url: str = "https://discord.com/api/v10"

    @field_validator("github_app_private_key")
    @classmethod
    def _lines(cls, value: str) -> str:
        return value.replace("\\n", "\n")

    @property
    def github_url(self) -> str:
        """Where GitHub's pages are."""
        return self.github_api_url.removesuffix("/api/v3").replace("://api.", "://")

    @property
    def discord_url(self) -> str:
        """Where Discord's pages are."""
        return self.discord_api_url.partition("/api/")[0]

    @property
    def platforms(self) -> frozenset[str]:
        """The outside systems that are set up."""
        github = self.github_app_id and self.github_app_private_key and self.github_client_id
        discord = self.discord_bot_token and self.discord_client_id
        ready = {"github": github and self.github_client_secret, "discord": discord and self.discord_client_secret}
        return frozenset(name for name, is_ready in ready.items() if is_ready)
