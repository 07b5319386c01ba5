"""A service's database role reaches its own database, and nothing else of the server."""

from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from polar_cli.stack import Stack
from polar_cli.state import SERVICES

DATABASES = (*SERVICES, "postgres", "template1")


def address(stack: Stack, role: str, database: str) -> str:
    """The address of a database as a service's role."""
    own = urlsplit(stack.database_url(role))
    return urlunsplit(own._replace(scheme="postgresql", path=f"/{database}"))


async def test_each_role_reaches_its_own_database(stack: Stack) -> None:
    for service in SERVICES:
        connection = await asyncpg.connect(address(stack, service, service))
        try:
            assert await connection.fetchval("select current_user::text") == service
        finally:
            await connection.close()


@pytest.mark.parametrize("role", SERVICES)
async def test_a_role_cannot_connect_to_any_other_database(stack: Stack, role: str) -> None:
    for database in DATABASES:
        if database != role:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(address(stack, role, database))


@pytest.mark.parametrize("role", SERVICES)
async def test_a_role_needs_its_own_password(stack: Stack, role: str) -> None:
    other = next(service for service in SERVICES if service != role)
    password = urlsplit(stack.database_url(other)).password
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(address(stack, role, role), password=password)


FORBIDDEN = {
    "a role": "create role intruder",
    "a superuser of itself": "alter role {role} superuser",
    "another's password": "alter role {other} password 'known'",
    "another's rights": "set role {other}",
    "another's identity": "set session authorization {other}",
    "a database": "create database intruder",
    "another's database": "drop database {other}",
    "another's name": "alter database {other} rename to intruder",
    "the server's settings": "alter system set log_statement = 'all'",
    "the passwords": "select rolpassword from pg_authid",
    "a program": "copy (select 1) to program 'true'",
    "a file to read": "copy pg_temp_lines from '/etc/passwd'",
    "a file by function": "select pg_read_file('/etc/passwd')",
    "a folder": "select * from pg_ls_dir('/')",
    "a large object of a file": "select lo_import('/etc/passwd')",
    "an untrusted extension": "create extension file_fdw",
    "the log": "select pg_current_logfile()",
    "the write-ahead log": "select pg_switch_wal()",
    "a reload": "select pg_reload_conf()",
    "a replication slot": "select pg_create_physical_replication_slot('intruder')",
    "event triggers": "create event trigger intruder on ddl_command_end execute function intruder()",
}


@pytest.mark.parametrize("role", SERVICES)
async def test_a_role_may_do_nothing_to_the_server(stack: Stack, role: str) -> None:
    other = next(service for service in SERVICES if service != role)
    connection = await asyncpg.connect(address(stack, role, role))
    allowed = []
    try:
        await connection.execute("create temporary table pg_temp_lines (line text)")
        for what, statement in FORBIDDEN.items():
            trial = connection.transaction()
            is_own_transaction = not statement.startswith(("create database", "drop database", "alter system"))
            if is_own_transaction:
                await trial.start()
            try:
                await connection.execute(statement.format(role=role, other=other))
                allowed.append(what)
            except asyncpg.InsufficientPrivilegeError:
                pass
            finally:
                if is_own_transaction:
                    await trial.rollback()
    finally:
        await connection.close()
    assert allowed == []


@pytest.mark.parametrize("role", SERVICES)
async def test_a_role_neither_sees_nor_ends_what_others_ask(stack: Stack, role: str) -> None:
    connection = await asyncpg.connect(address(stack, role, role))
    try:
        others = await connection.fetch(
            "select pid, query from pg_stat_activity where usename <> current_user and datname is not null"
        )
        assert others, "no other service is connected: nothing was proven"
        assert {row["query"] for row in others} == {"<insufficient privilege>"}
        for function in ("pg_terminate_backend", "pg_cancel_backend"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"select {function}({others[0]['pid']})")
    finally:
        await connection.close()


@pytest.mark.parametrize("role", SERVICES)
async def test_a_role_cannot_let_itself_in(stack: Stack, role: str) -> None:
    """A grant of what one does not have is a warning to PostgreSQL, and changes nothing."""
    other = next(service for service in SERVICES if service != role)
    connection = await asyncpg.connect(address(stack, role, role))
    try:
        with suppress(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"grant connect on database {other} to {role}")
    finally:
        await connection.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(address(stack, role, other))
