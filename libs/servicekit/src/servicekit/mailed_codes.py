"""Codes that are mailed to prove an address: few mails, few tries, and only their HMAC is kept.

A service declares the table with `MailedCode` and a unique key of its own, `issue`s a code in the transaction that
mails it, and counts each try with `tried` before it compares. All of it goes by the machine's clock: strangers do not
live by an organization's test clock.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import LargeBinary, case, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from servicekit import clock, ids

LIFETIME = timedelta(minutes=30)
"""Polar's rule."""
PAUSE = timedelta(seconds=60)
"""Between two mails under one key."""
ATTEMPTS = 5
"""After as many wrong codes the right one works no more: of a million, one in 200,000 is guessed."""
WINDOW = timedelta(days=1)
WINDOW_ATTEMPTS = 20
"""So many codes may be tried under a key within a day, however many were mailed: one day guesses 1 in 50,000."""
WINDOW_MAILS = 10
"""So many codes are mailed under a key within a day."""


def generate() -> str:
    """Six digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


class MailedCode:
    """The columns of a table that has one code for each key."""

    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    window_began_at: Mapped[datetime | None]
    window_mails: Mapped[int] = mapped_column(default=0, server_default="0")
    window_attempts: Mapped[int] = mapped_column(default=0, server_default="0")


async def issue(
    session: AsyncSession,
    table: Any,
    key: Mapping[str, Any],
    code_hash: bytes,
    lifetime: timedelta,
    *,
    keeping: Sequence[str] = (),
    **values: Any,
) -> bool:
    """Keeps a new code under `key` in the place of the former one, with `values` in the table's other columns.

    Those of the columns `keeping` stay as they are while the former code is good.
    Returns False, and keeps the former, within the pause after it and once the day's mails are used up.
    """
    now = clock.wall()
    kept = {**values, "created_at": now, "code_hash": code_hash, "expires_at": now + lifetime, "attempts": 0}
    is_over = func.coalesce(table.window_began_at <= now - WINDOW, True)
    window = {
        "window_began_at": case((is_over, now), else_=table.window_began_at),
        "window_mails": case((is_over, 1), else_=table.window_mails + 1),
        "window_attempts": case((is_over, 0), else_=table.window_attempts),
    }
    stays = {name: case((table.expires_at > now, getattr(table, name)), else_=values[name]) for name in keeping}
    first = {"id": ids.uuid7(), "window_began_at": now, "window_mails": 1, "window_attempts": 0}
    written = (
        insert(table)
        .values(**first, **key, **kept)
        .on_conflict_do_update(
            index_elements=list(key),
            set_=kept | window | stays,
            where=(table.created_at <= now - PAUSE) & (is_over | (table.window_mails < WINDOW_MAILS)),
        )
        .returning(table.id)
    )
    return (await session.execute(written)).first() is not None


async def tried(session: AsyncSession, table: Any, key: Mapping[str, Any], *columns: Any) -> Any:
    """Counts a try under `key`, to be committed before the code is compared, whatever comes after.

    Returns the row's `id`, `code_hash` and `columns`; None where there is no code, or it is over, or was tried too
    often.
    """
    counted = (
        update(table)
        .where(
            *(getattr(table, name) == value for name, value in key.items()),
            table.expires_at > clock.wall(),
            table.attempts < ATTEMPTS,
            table.window_attempts < WINDOW_ATTEMPTS,
        )
        .values(attempts=table.attempts + 1, window_attempts=table.window_attempts + 1)
        .returning(table.id, table.code_hash, *columns)
    )
    return (await session.execute(counted)).first()
