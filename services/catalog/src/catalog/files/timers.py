"""The bytes of deleted files, and uploads that nobody finished."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from servicekit import clock
from servicekit.database import Sessions
from sqlalchemy import select

from catalog.files.models import File
from catalog.files.storage import Storage

BATCH = 20
UNFINISHED = timedelta(hours=24)


def remove_files(storage: Storage) -> Callable[[Sessions], Awaitable[int]]:
    """Removes the bytes of up to a batch of deleted files, and of uploads that were begun a day ago."""

    async def remove(sessions: Sessions) -> int:
        now = clock.now()
        async with sessions() as session:
            unfinished = (~File.is_uploaded) & (File.created_at < now - UNFINISHED)
            statement = (
                select(File)
                .where(File.removed_at.is_(None), File.deleted_at.is_not(None) | unfinished)
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            )
            over = list((await session.execute(statement)).scalars())
            for file in over:
                file.deleted_at = file.deleted_at or now
        for file in over:
            await storage.remove(file)
        async with sessions() as session:
            for file in over:
                (await session.get_one(File, file.id)).removed_at = now
        return len(over)

    return remove
