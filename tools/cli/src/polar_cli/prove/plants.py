"""Faults that are planted on purpose, to see that the proof fails when it must."""

from collections.abc import Collection
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
_IN_DATABASES = {
    "outbox-row-deleted": ("billing", _OUTBOX_ROW_DELETED),
    "inbox-disabled": ("benefits", _INBOX_DISABLED),
}


def prepare(stack: Stack, faults: Collection[str]) -> None:
    """Before the stack starts: with `ack-before-commit` billing gets a consumer that acknowledges first."""
    if "ack-before-commit" in faults:
        stack.extra_environment["PYTHONPATH"] = str(PATCHES)


async def plant(stack: Stack, faults: Collection[str]) -> None:
    """Once the stack runs: faults that are in a database. Several at once are in different places."""
    for service, statement in (_IN_DATABASES[fault] for fault in faults if fault in _IN_DATABASES):
        connection = await asyncpg.connect(f"{stack.postgres_url.rsplit('/', 1)[0]}/{service}")
        await connection.execute(statement)
        await connection.close()
