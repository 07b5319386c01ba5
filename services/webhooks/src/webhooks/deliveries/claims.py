"""Taking in hand what is due: fairly among the endpoints, in order about each resource, many rows a statement.

Each endpoint with something waiting is a lane. A claim walks the lanes by the index, takes from each only as much as it
has room for, and prefers those that have least in hand: a lane with a hundred thousand events waits behind none and
costs the others nothing. Several workers may claim at once (SKIP LOCKED); what one has in hand is the others' again
when its lease ends.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from servicekit import clock
from servicekit.timers import due
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from webhooks.deliveries.operations import Attempt
from webhooks.endpoints.models import Endpoint, opened
from webhooks.events.models import WebhookEvent

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
LANES = 1000
"""Endpoints that one claim looks at; the next one goes on behind them."""
FIRST = UUID(int=0)

_WAITING = aliased(WebhookEvent, name="w")
_FREE = "w.due_at is not null and (w.claimed_until is null or w.claimed_until < :now)"
_CLAIM = """
    with recursive walk (endpoint_id) as (
        select (
            select w.endpoint_id from webhook_events w
            where w.due_at is not null and w.endpoint_id > :after order by w.endpoint_id, w.due_at limit 1
        )
        union all
        select (
            select w.endpoint_id from webhook_events w
            where w.due_at is not null and w.endpoint_id > walk.endpoint_id order by w.endpoint_id, w.due_at limit 1
        )
        from walk where walk.endpoint_id is not null
    ), seen as materialized (
        select endpoint_id from walk where endpoint_id is not null limit :lanes
    ), lanes as (
        select
            seen.endpoint_id, coalesce(known.room, :usual) as room, coalesce(known.proven, false) as proven,
            known.turn, count(*) over () as count
        from seen
        join webhook_endpoints e on e.id = seen.endpoint_id and e.enabled
        left join unnest(cast(:ids as uuid[]), cast(:rooms as int[]), cast(:proven as bool[]), cast(:turns as bigint[]))
            as known (id, room, proven, turn) on known.id = seen.endpoint_id
        where coalesce(known.room, :usual) > 0 and (known.proven or :unproven > 0)
    ), candidates as (
        select
            c.id, c.due_at, lanes.proven, lanes.turn,
            row_number() over (partition by lanes.endpoint_id order by c.due_at, c.id) - lanes.room as rank
        from lanes cross join lateral (
            select w.id, w.due_at from webhook_events w
            where w.endpoint_id = lanes.endpoint_id and {free} and {due}
              and (w.first_attempt_at is not null or not exists (
                -- Fenced by the offset, so that it is by the resource's index that earlier ones are looked for.
                select from (
                    select earlier.due_at from webhook_events earlier
                    where earlier.endpoint_id = w.endpoint_id and earlier.resource_id = w.resource_id
                      and earlier.sequence < w.sequence and earlier.first_attempt_at is null
                    offset 0
                ) earlier
                where earlier.due_at is not null
              ))
            order by w.due_at, w.id limit least(lanes.room, :total / lanes.count + 1)
        ) c
    ), chosen as (
        select id from (
            select
                *, row_number() over (partition by proven order by rank, turn nulls first, due_at, id) as place
            from candidates
        ) ranked
        where proven or place <= :unproven
        order by rank, turn nulls first, due_at, id limit :total
    ), locked as (
        -- A subquery that locks is run for each row of the other side, by its key: a join might walk all that waits.
        select w.id from chosen cross join lateral (
            select w.id from webhook_events w where w.id = chosen.id and {free} for update skip locked
        ) w
    ), claimed as (
        update webhook_events w set claimed_until = :until
        from locked, webhook_endpoints e
        where w.id = locked.id and e.id = w.endpoint_id
        returning
            w.id, w.endpoint_id, w.organization_id, w.payload, w.attempts, w.due_at, w.traceparent, e.url, e.failures,
            e.encrypted_secret,
            case when e.previous_secret_until > :now then e.previous_encrypted_secret end as previous
    )
    select claimed.*, walked.lanes, walked.last
    from (
        select count(*) as lanes, (select endpoint_id from seen order by endpoint_id desc limit 1) as last from seen
    ) walked
    left join claimed on true
    order by claimed.due_at, claimed.id
"""


@dataclass(frozen=True)
class Room:
    """How much may be claimed: `total`, of which `unproven` for endpoints that have not answered quickly of late.

    `lanes` says of an endpoint how much it may be given, whether it is proven, and when it had its last turn; others
    get `usual`, are unproven, and first in turn.
    """

    total: int
    unproven: int
    usual: int
    lanes: Sequence[tuple[UUID, int, bool, int]] = ()


@dataclass(frozen=True)
class Claimed:
    """What was taken in hand, and behind which endpoint the next claim goes on."""

    attempts: list[Attempt]
    after: UUID


Fetch = Callable[..., Awaitable[list[Any]]]
"""Runs a statement with values for `$1`, `$2`, …, planned for the tables as they are now; gives its rows."""


async def claim(fetch: Fetch, room: Room, lease: timedelta, after: UUID, suite_secret: str) -> Claimed:
    """Takes events in hand whose time has come, for `lease`, by one statement.

    First attempts about one resource leave in the order in which things happened: an event is left while an earlier
    one about the same resource waits for its first attempt or is in the middle of it. That takes as long as those
    attempts take, so at most the timeout for each, and the lease where a worker died with one.
    """
    now = clock.wall()  # leases and secrets go by the machine's clock
    if clock.standing() is None:
        statement, names, present = _usual()
        present = dict.fromkeys(present, clock.now())
    else:
        statement, names, present = _compiled()
    values: dict[str, Any] = {
        **present,
        "now": now,
        "until": now + lease,
        "after": after,
        "lanes": LANES,
        "usual": room.usual,
        "unproven": room.unproven,
        "total": room.total,
        "ids": [lane[0] for lane in room.lanes],
        "rooms": [lane[1] for lane in room.lanes],
        "proven": [lane[2] for lane in room.lanes],
        "turns": [lane[3] for lane in room.lanes],
    }
    rows = await fetch(statement, *(values[name] for name in names))
    attempts = [_attempt(row, suite_secret) for row in rows if row["id"] is not None]
    return Claimed(attempts, rows[0]["last"] if rows[0]["lanes"] >= LANES else FIRST)


def _compiled() -> tuple[str, Sequence[str], dict[str, Any]]:
    """The statement for the present clock, the names of its values in their order, and those of its condition."""
    condition = due(_WAITING.due_at, _WAITING.organization_id)
    compiled = condition.compile(dialect=PGDialect_asyncpg(paramstyle="named"))  # type: ignore[no-untyped-call]
    # A parameter that is followed by its cast must keep a space for `text` to see it.
    is_due = re.sub(r":(\w+)::", r":\1 ::", f"({compiled})")
    statement = text(_CLAIM.format(free=_FREE, due=is_due)).compile(dialect=_DIALECT)
    return str(statement), statement.positiontup or (), compiled.params


@cache
def _usual() -> tuple[str, Sequence[str], dict[str, Any]]:
    """The same for the machine's clock, at which the condition has one value, the present. Compiled once."""
    statement, names, (present,) = _compiled()
    return statement, names, {present: None}


async def are_in_hand(session: AsyncSession) -> bool:
    """Whether something that is due on the present clock is in the hand of a worker, perhaps of one that died."""
    statement = select(WebhookEvent.id).join(Endpoint, Endpoint.id == WebhookEvent.endpoint_id)
    is_due = due(WebhookEvent.due_at, WebhookEvent.organization_id)
    statement = statement.where(is_due, Endpoint.enabled, WebhookEvent.claimed_until >= clock.wall())
    return (await session.execute(statement.limit(1))).first() is not None


def _attempt(row: Any, suite_secret: str) -> Attempt:
    kept = (secret for secret in (row["encrypted_secret"], row["previous"]) if secret is not None)
    secrets = tuple(opened(bytes(secret), suite_secret) for secret in kept)
    return Attempt(
        row["id"],
        row["endpoint_id"],
        row["organization_id"],
        row["url"],
        secrets,
        row["payload"],
        row["attempts"],
        row["due_at"],
        row["failures"],
        row["traceparent"],
    )
