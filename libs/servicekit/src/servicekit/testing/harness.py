"""A service as its tests see it: its own database, its application in process, and what it recorded."""

import asyncio
import base64
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
from alembic import command
from alembic.config import Config
from contracts.event import Event
from contracts.registry import BY_ROUTING_KEY
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from sqlalchemy import text

from servicekit import auth, clock, ids
from servicekit.auth import Principal
from servicekit.consumers import Consumers, Message
from servicekit.database import Database
from servicekit.settings import Settings

_SEED = base64.b64encode(bytes(range(32))).decode()
PRIVATE_KEY = _SEED
PUBLIC_KEY = base64.b64encode(
    Ed25519PrivateKey.from_private_bytes(base64.b64decode(_SEED)).public_key().public_bytes_raw()
).decode()
SECRET = "a-secret-for-tests-that-is-long-enough-to-be-taken"

AnyEvent = TypeVar("AnyEvent", bound=Event[Any])


def signed_headers(
    organization_id: UUID,
    *scopes: str,
    customer_id: UUID | None = None,
    is_test: bool = False,
    member_id: UUID | None = None,
    checkout_id: UUID | None = None,
    **headers: str,
) -> dict[str, str]:
    """The header that the gateway would send for a token of this organization, with others beside it."""
    kind: auth.Kind = "customer" if customer_id else "organization"
    principal = Principal(
        kind, ids.uuid7(), (organization_id,), frozenset(scopes), customer_id, is_test, member_id, checkout_id
    )
    return {auth.HEADER: auth.sign(principal, PRIVATE_KEY), **headers}


@dataclass
class ServiceUnderTest:
    """Names a service to the test plugin: where it lives and how it is composed."""

    name: str
    root: Path
    """The service's folder, with `alembic.ini`."""
    create_app: Callable[[Any], FastAPI]
    settings: type[Settings]
    flows: Sequence[Consumers] = ()
    environment: dict[str, str] = field(default_factory=dict)
    """What its settings need beside the common ones."""
    scopes: Sequence[str] = ()
    """The scopes of the default caller."""

    def load_settings(self, database_url: str) -> Any:
        """The service's settings for a test database; names a broker only where a test starts one."""
        common = {
            "environment": "test",
            "database_url": database_url,
            "rabbitmq_url": os.environ.get("POLAR_TEST_RABBITMQ_URL", "amqp://127.0.0.1:1/"),
            "secret": SECRET,
            "principal_public_key": PUBLIC_KEY,
            "log_level": "WARNING",
            "database_pool_size": 10,
        }
        return self.settings.model_validate({**common, **self.environment})

    async def migrate(self, database_url: str) -> None:
        """Brings an empty database to the newest revision. Raises what the migration raises."""
        # In this process, which has the libraries: another one takes two seconds to import them.
        with patch.dict(os.environ, {"DATABASE_URL": database_url}):
            await asyncio.to_thread(command.upgrade, Config(str(self.root / "alembic.ini")), "head")


class Bus:
    """Delivers events to a service's handlers as its worker does, and shows what the service recorded."""

    def __init__(self, database: Database, flows: Sequence[Consumers]) -> None:
        self._database = database
        self._flows = flows

    async def deliver(self, *events: Event[Any]) -> None:
        """Handles each event in one transaction of every flow that listens to it. Raises what the handler raises.

        An event without an id or a sequence is given one, as its producer's outbox would.
        """
        for event in events:
            if event.id.int == 0:
                event.id = ids.uuid7()
            event.sequence = event.sequence or 1
            if event.correlation_id.int == 0:
                event.correlation_id = event.id
            message = Message.read(event.to_bytes(), event.routing_key())
            listening = [flow for flow in self._flows if event.routing_key() in flow.handlers]
            assert listening, f"nothing listens to {event.routing_key()}"
            for flow in listening:
                async with self._database.transaction() as session:
                    await flow.handle([message], session)

    async def recorded(self, contract: type[AnyEvent]) -> list[AnyEvent]:
        """The events of one type that the service recorded, in order."""
        return [event for event in await self.all() if isinstance(event, contract)]

    async def all(self) -> list[Event[Any]]:
        """Every recorded event, in order."""
        async with self._database.transaction() as session:
            rows = await session.execute(text("select routing_key, payload from outbox order by id"))
            return [BY_ROUTING_KEY[row.routing_key].from_bytes(row.payload) for row in rows]

    async def names(self) -> list[str]:
        """The types of every recorded event, in order."""
        return [event.name for event in await self.all()]


async def create_database(postgres_url: str, name: str) -> str:
    """Creates an empty database with citext on the test server and returns its address."""
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
        await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()
    address = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
    connection = await asyncpg.connect(address)
    await connection.execute("create extension if not exists citext")
    await connection.close()
    return address


async def drop_database(postgres_url: str, name: str) -> None:
    """Drops a test database, whoever is connected to it."""
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await connection.close()


_TABLES = text("""
    select relname, pg_relation_size(oid) from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> 'alembic_version'
""")
_RESTART = text("""
    select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    from pg_sequences where schemaname = 'public' and last_value is not null
""")
LARGE = 1 << 20
"""Bytes from which a table is truncated: that makes new files for it and its indexes, 3 ms whatever it holds."""


async def empty(database: Database) -> None:
    """Empties every table but Alembic's, and has every sequence begin anew."""
    async with database.engine.begin() as connection:
        sizes: dict[str, int] = {row.relname: row.pg_relation_size for row in await connection.execute(_TABLES)}
        filled = " union all ".join(f"""select '{name}' where exists (select from "{name}")""" for name in sizes)
        names = (await connection.execute(text(filled))).scalars().all() if sizes else []
        # Only a superuser may: what a service's own role can never empty is emptied between tests.
        await connection.execute(text("set local session_replication_role = replica"))
        for name in names:
            await connection.execute(
                text(f'truncate "{name}" cascade' if sizes[name] > LARGE else f'delete from "{name}"')
            )
        await connection.execute(_RESTART)
    clock.reset()
