"""What the servers must hold before a service starts: one role and database each, one broker user each."""

import hashlib
import json
from urllib.parse import quote

import asyncpg

from polar_cli.servers import Management
from polar_cli.state import ROOT, SERVICES, State

EXCHANGE = "events"
PUBLISHERS = ROOT / "deploy" / "rabbitmq" / "publishers.json"


def checksum() -> str:
    """Of what decides who may publish what: when it changes, the servers are filled again."""
    return hashlib.sha256(PUBLISHERS.read_bytes()).hexdigest()


async def databases(state: State, admin_url: str) -> None:
    """Creates each service's role and database; no other role may connect to it. May be repeated."""
    connection = await asyncpg.connect(admin_url)
    try:
        roles = {row[0] for row in await connection.fetch("select rolname from pg_roles")}
        present = {row[0] for row in await connection.fetch("select datname from pg_database")}
        for service in SERVICES:
            verb = "alter" if service in roles else "create"
            await connection.execute(
                f"{verb} role {service} login nosuperuser nocreatedb nocreaterole connection limit 150 "
                f"password '{state.secret(f'database:{service}')}'"
            )
            if service not in present:
                await connection.execute(f"create database {service} owner {service}")
            await connection.execute(f"revoke all on database {service} from public")
        for name in ("postgres", "template1"):
            await connection.execute(f"revoke connect on database {name} from public")
    finally:
        await connection.close()
    for service in SERVICES:
        connection = await asyncpg.connect(f"{admin_url.rsplit('/', 1)[0]}/{service}")
        try:
            await connection.execute("create extension if not exists citext")
        finally:
            await connection.close()


async def drop(admin_url: str) -> None:
    """Drops each service's database with all that is in it, also while somebody is connected to it."""
    connection = await asyncpg.connect(admin_url)
    try:
        for service in SERVICES:
            await connection.execute(f"drop database if exists {service} with (force)")
    finally:
        await connection.close()


def empty_queues(state: State, vhost: str = "/") -> None:
    """Removes what waits in the services' queues: it speaks of rows that are gone."""
    management, host = Management(state), quote(vhost, safe="")
    for queue in management.call("GET", f"queues/{host}"):
        if queue["name"].partition(".")[0] in SERVICES:
            management.call("DELETE", f"queues/{host}/{quote(queue['name'], safe='')}/contents")


def broker(state: State, vhost: str = "/") -> None:
    """Creates the exchange and each service's user, who may publish only its own types. May be repeated."""
    management = Management(state)
    host = quote(vhost, safe="")
    management.call("PUT", f"exchanges/{host}/{EXCHANGE}", {"type": "topic", "durable": True})
    for service in SERVICES:
        permissions, topics = permissions_of(service)
        management.call("PUT", f"users/{service}", {"password": state.secret(f"broker:{service}"), "tags": ""})
        management.call("PUT", f"permissions/{host}/{service}", permissions)
        management.call("PUT", f"topic-permissions/{host}/{service}", topics)


def permissions_of(service: str) -> tuple[dict[str, str], dict[str, str]]:
    """What a service may do at the broker: its own queues, and on the exchange only its own types of events."""
    publishers: dict[str, list[str]] = json.loads(PUBLISHERS.read_text())
    pattern = rf"^({EXCHANGE}|{service}\..*)$"
    permissions = {"configure": rf"^{service}\.", "write": pattern, "read": pattern}
    topics = {"exchange": EXCHANGE, "write": rf"^({'|'.join(publishers[service])})\..*$", "read": ".*"}
    return permissions, topics
