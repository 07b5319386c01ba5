"""What the checks read, and where they note what is wrong."""

from dataclasses import dataclass, field
from typing import Any

import asyncpg


@dataclass(frozen=True)
class AtStripe:
    """What the local Stripe has: every payment intent and every refund."""

    intents: list[dict[str, Any]]
    refunds: list[dict[str, Any]]


@dataclass
class Findings:
    """What is wrong. Each entry names the thing and what was seen of it."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not (self.lost or self.duplicated or self.wrong)

    def count(self, what: str, seen: int, wanted: int = 1) -> None:
        """Notes a count that is not what it should be."""
        if seen < wanted:
            self.lost.append(f"{what}: {seen} instead of {wanted}")
        elif seen > wanted:
            self.duplicated.append(f"{what}: {seen} instead of {wanted}")


class Databases:
    """Read access to every service's database, past the services."""

    def __init__(self, admin_url: str) -> None:
        self._url = admin_url.rsplit("/", 1)[0]
        self._open: dict[str, asyncpg.Connection[Any]] = {}

    async def rows(self, service: str, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of a query in a service's database."""
        if service not in self._open or self._open[service].is_closed():
            self._open[service] = await asyncpg.connect(f"{self._url}/{service}")
        return list(await self._open[service].fetch(query, *arguments))

    async def value(self, service: str, query: str, *arguments: Any) -> Any:
        """The one value of a query."""
        return (await self.rows(service, query, *arguments))[0][0]

    async def close(self) -> None:
        """Closes every connection."""
        for connection in self._open.values():
            await connection.close()
