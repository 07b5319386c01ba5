"""The outside systems that are set up: their clients, with one pool of connections."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from benefits.logins.operations import CALLBACK, Started
from benefits.settings import Settings
from benefits.strategies.discord.client import Discord
from benefits.strategies.discord.strategy import DiscordRole
from benefits.strategies.github_repository.client import GitHub
from benefits.strategies.github_repository.strategy import GitHubRepository
from benefits.strategies.http import new_session
from benefits.strategies.protocol import Outside

TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Outsides:
    """The clients, and the strategies of the types that are given with them."""

    github: GitHub
    discord: Discord
    strategies: Mapping[str, Outside]

    def page(self, login: Started, settings: Settings) -> str:
        """The address of the other system's page on which an account, or what a seller administers, is connected."""
        redirect_uri = settings.public_url + CALLBACK
        if login.platform == "github":
            query = self.github.authorize_url(login.state, login.challenge, redirect_uri)
            return f"{settings.github_url}/login/oauth/authorize?{urlencode(query)}"
        query = self.discord.authorize_url(login.state, login.challenge, redirect_uri)
        if login.is_sellers:
            query |= self.discord.of_bot(login.account)
        return f"{settings.discord_url}/oauth2/authorize?{urlencode(query)}"


@asynccontextmanager
async def outsides(settings: Settings) -> AsyncIterator[Outsides]:
    """Opens the pool; closes it in the end."""
    async with new_session(TIMEOUT_SECONDS) as session:
        github, discord = GitHub(session, settings), Discord(session, settings)
        made: dict[str, Outside] = {
            "github_repository": GitHubRepository(github, settings),
            "discord": DiscordRole(discord),
        }
        yield Outsides(github, discord, made)
