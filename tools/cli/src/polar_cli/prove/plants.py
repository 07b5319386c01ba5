"""Faults that are planted on purpose, to see that the proof fails when it must."""

from pathlib import Path

import asyncpg

from polar_cli.stack import Stack

NAMES = ("outbox-row-deleted", "inbox-disabled", "ack-before-commit")
PATCHES = Path(__file__).parent / "patches"

_OUTBOX_ROW_DELETED = """
create function planted_loss() returns trigger language plpgsql as $$
begin
    if new.routing_key = 'order.paid.v1'
       and (select count(*) from outbox where routing_key = 'order.paid.v1') = 3 then
        return null;
    end if;
    return new;
end $$;
create trigger planted_loss before insert on outbox for each row execute function planted_loss();
"""
_INBOX_DISABLED = "alter table inbox drop constraint inbox_pkey"


def prepare(stack: Stack, fault: str) -> None:
    """Before the stack starts: with `ack-before-commit` services get a consumer that acknowledges first."""
    if fault == "ack-before-commit":
        stack.extra_environment["PYTHONPATH"] = str(PATCHES)


async def plant(stack: Stack, fault: str) -> None:
    """Once the stack runs: faults that are in the database."""
    statement = {"outbox-row-deleted": _OUTBOX_ROW_DELETED, "inbox-disabled": _INBOX_DISABLED}.get(fault)
    if statement is not None:
        connection = await asyncpg.connect(f"{stack.postgres_url.rsplit('/', 1)[0]}/billing")
        await connection.execute(statement)
        await connection.close()
