"""What a session reads under a lock is what is true under it, whatever it had read before, and however it locks."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from servicekit import ids
from servicekit.database import Database
from servicekit.testing import eventually
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

Lock = Callable[[AsyncSession, Any, Any], Awaitable[Any]]


async def _one(session: AsyncSession, statement: Any) -> Any:
    return (await session.execute(statement)).scalars().one()


async def _get(session: AsyncSession, model: Any, note: Any) -> Any:
    return await session.get(model, note.id, with_for_update=True)


async def _get_skipping(session: AsyncSession, model: Any, note: Any) -> Any:
    return await session.get_one(model, note.id, with_for_update={"skip_locked": True})


async def _refresh(session: AsyncSession, model: Any, note: Any) -> Any:
    await session.refresh(note, with_for_update=True)
    return note


async def _joined(session: AsyncSession, model: Any, note: Any) -> Any:
    other = aliased(model)
    statement = select(model, other).join(other, other.organization_id == model.organization_id)
    rows = (await session.execute(statement.where(model.id == note.id).with_for_update(of=model))).all()
    return rows[0][0]


def _select(**options: Any) -> Lock:
    """A lock by a select; `of` names the model."""

    async def lock(session: AsyncSession, model: Any, note: Any) -> Any:
        given = {name: model if name == "of" else value for name, value in options.items()}
        return await _one(session, select(model).where(model.id == note.id).with_for_update(**given))

    return lock


async def _scalar(session: AsyncSession, model: Any, note: Any) -> Any:
    return await session.scalar(select(model).where(model.id == note.id).with_for_update())


async def _scalars(session: AsyncSession, model: Any, note: Any) -> Any:
    return (await session.scalars(select(model).where(model.id == note.id).with_for_update())).one()


async def _streamed(session: AsyncSession, model: Any, note: Any) -> Any:
    found = await session.stream_scalars(select(model).where(model.id == note.id).with_for_update())
    return await found.one()


WAITING: dict[str, Lock] = {
    "for update": _select(),
    "for share": _select(read=True),
    "for update of": _select(of=True),
    "joined": _joined,
    "get": _get,
    "refresh": _refresh,
    "scalar": _scalar,
    "scalars": _scalars,
    "streamed": _streamed,
}
"""Locks that wait for whoever has the row."""
PASSING: dict[str, Lock] = {"skip locked": _select(skip_locked=True), "get, skip locked": _get_skipping}
"""Locks that pass a locked row by: they find it when it is free again."""


async def _written(database: Database, notes: Any) -> UUID:
    async with database.transaction() as session:
        note = notes(
            id=ids.uuid7(), organization_id=ids.uuid7(), text="pending", size=1, user_metadata={"paid": "no"}
        )  # fmt: skip
        session.add(note)
    return note.id  # type: ignore[no-any-return]


async def _pay(session: AsyncSession, note_id: UUID) -> None:
    paid = text("""update notes set text = 'paid', metadata = '{"paid": "yes"}' where id = :id""")
    await session.execute(paid, {"id": note_id})


async def _is_waited_for(database: Database) -> bool:
    async with database.transaction() as session:
        waiting = text("select count(*) from pg_stat_activity where wait_event_type = 'Lock' "
                       "and datname = current_database()")  # fmt: skip
        return bool((await session.execute(waiting)).scalar_one())


@pytest.mark.parametrize("kind", WAITING)
async def test_a_row_that_was_waited_for_is_read_anew(database: Database, notes: Any, kind: str) -> None:
    note_id = await _written(database, notes)

    async def wait(session: AsyncSession, note: Any) -> Any:
        return await WAITING[kind](session, notes, note)

    async with database.transaction() as session:
        note = await session.get_one(notes, note_id)
        async with database.transaction() as other:
            await _pay(other, note_id)
            waiting = asyncio.create_task(wait(session, note))
            await eventually(lambda: _is_waited_for(database))
        assert await waiting is note
        assert (note.text, note.user_metadata) == ("paid", {"paid": "yes"})


@pytest.mark.parametrize("kind", [*WAITING, *PASSING])
async def test_a_row_that_changed_before_the_lock_is_read_anew(database: Database, notes: Any, kind: str) -> None:
    note_id = await _written(database, notes)
    async with database.transaction() as session:
        note = await session.get_one(notes, note_id)
        async with database.transaction() as other:
            await _pay(other, note_id)
        assert (await _one(session, select(notes).where(notes.id == note_id))).text == "pending", "an unlocked read"
        assert await {**WAITING, **PASSING}[kind](session, notes, note) is note
        assert (note.text, note.user_metadata) == ("paid", {"paid": "yes"})


@pytest.mark.parametrize("kind", [*WAITING, *PASSING])
@pytest.mark.parametrize("is_flushed_by_itself", [True, False])
async def test_changes_that_are_not_written_yet_are_kept(
    database: Database, notes: Any, kind: str, is_flushed_by_itself: bool
) -> None:
    note_id = await _written(database, notes)
    async with database.transaction() as session:
        note = await session.get_one(notes, note_id)
        async with database.transaction() as other:
            await _pay(other, note_id)
        note.size = 7
        session.sync_session.autoflush = is_flushed_by_itself
        await {**WAITING, **PASSING}[kind](session, notes, note)
        session.sync_session.autoflush = True
        assert (note.size, note.text) == (7, "paid")
    async with database.transaction() as session:
        kept = await session.get_one(notes, note_id)
        assert (kept.size, kept.text) == (7, "paid")
