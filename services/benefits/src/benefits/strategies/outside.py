"""The outside systems that are set up: their clients, with one pool of connections."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

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


@asynccontextmanager
async def outsides(settings: Settings) -> AsyncIterator[Outsides]:
    """Opens the pool; closes it in the end."""
    async with new_session(TIMEOUT_SECONDS) as session:
        github, discord = GitHub(session, settings), Discord(session, settings)
        made: dict[str, Outside] = {"github_repository": GitHubRepository(github), "discord": DiscordRole(discord)}
        yield Outsides(github, discord, made)
