"""Work that comes due beside the deliveries themselves: events of endpoints that are disabled or gone, old payloads."""

from datetime import timedelta

from servicekit import clock
from servicekit.database import Sessions
from sqlalchemy import text

PAGE = 500
RETENTION = timedelta(days=90)
"""For how long a payload is kept."""

_UNHEARD = text("""
    with unheard as (
        select w.id, e.deleted_at from webhook_endpoints e
        join lateral (
            select id from webhook_events w where w.endpoint_id = e.id and w.due_at is not null
              and (w.claimed_until is null or w.claimed_until < :now)
            order by w.due_at limit :page
        ) w on true
        where not e.enabled limit :page
        for share of e skip locked
    )
    update webhook_events w set
        due_at = null,
        held_at = case when u.deleted_at is null then cast(:now as timestamptz) end,
        skipped_reason = case when u.deleted_at is not null then 'The endpoint was deleted.' end,
        modified_at = :now
    from unheard u where w.id = u.id
""")
_ARCHIVE = text("""
    update webhook_events set
        payload = null, archived_at = :now,
        skipped_reason = case when due_at is null and held_at is null then skipped_reason else 'It is too old.' end,
        due_at = null, held_at = null
    where id in (
        select id from webhook_events where created_at < :oldest and archived_at is null
        order by created_at limit :page for update skip locked
    )
""")


async def hold_unheard(sessions: Sessions) -> int:
    """Holds what is due for disabled endpoints, and skips what is due for deleted ones. Returns how many, a page."""
    async with sessions() as session:
        done = await session.execute(_UNHEARD, {"page": PAGE, "now": clock.now()})
        return int(done.rowcount)  # type: ignore[attr-defined]


async def archive_payloads(sessions: Sessions) -> int:
    """Forgets the payloads of events that are older than 90 days. Returns how many, a page."""
    async with sessions() as session:
        now = clock.now()
        done = await session.execute(_ARCHIVE, {"oldest": now - RETENTION, "now": now, "page": PAGE})
        return int(done.rowcount)  # type: ignore[attr-defined]
