"""The kit's own tables, and the one way in which every service's Alembic environment runs.

Every migration runs with a `lock_timeout`, so that a migration that has to wait fails instead of stopping traffic.
"""

import asyncio
import os
import re

from alembic import context
from alembic.operations import Operations
from sqlalchemy import Column, Connection, MetaData, Text, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

LOCK_TIMEOUT = "5s"

KIT_TABLES_V1 = """
create sequence outbox_id_seq;
create table outbox (
    id bigint not null default nextval('outbox_id_seq'),
    created_at timestamptz not null,
    event_id uuid not null,
    routing_key text not null,
    source text not null,
    subject uuid not null,
    sequence bigint not null,
    organization_id uuid not null,
    payload bytea not null,
    published_at timestamptz,
    retry_at timestamptz,
    primary key (id, created_at)
) partition by range (created_at);
create index outbox_unpublished_idx on outbox (id) where published_at is null;
create index outbox_subject_idx on outbox (subject, sequence);
create table outbox_default partition of outbox default;
create function outbox_prepare(instant timestamptz, months integer) returns void
language plpgsql set timezone = 'UTC' as $$
declare
    first timestamptz := date_trunc('month', instant) + make_interval(months => months);
    part text := to_char(first, '"outbox_"YYYY_MM');
begin
    if to_regclass(part) is null and not exists (
        select from outbox_default where created_at >= first and created_at < first + interval '1 month'
    ) then
        execute format('create table %I partition of outbox for values from (%L) to (%L)',
                       part, first, first + interval '1 month');
    end if;
end $$;
create function outbox_drop(oldest timestamptz) returns void
language plpgsql set timezone = 'UTC' as $$
declare
    part text;
begin
    for part in
        select relname from pg_class
        where relname ~ '^outbox_[0-9]{4}_[0-9]{2}$' and relkind = 'r'
          and to_date(substr(relname, 8), 'YYYY_MM') + interval '1 month' < oldest
    loop
        execute format('drop table %I', part);
    end loop;
end $$;
create table outbox_sequences (subject uuid primary key, value bigint not null);
create table inbox (
    source text not null,
    event_id uuid not null,
    queue text not null,
    handled_at timestamptz not null,
    primary key (event_id, source, queue)
);
create index inbox_handled_at_idx on inbox (handled_at);
create table retries (
    id uuid primary key,
    queue text not null,
    routing_key text not null,
    payload bytea not null,
    attempts integer not null,
    due_at timestamptz not null,
    reason text not null
);
create index retries_due_idx on retries (queue, due_at);
create table idempotency_keys (
    owner text not null,
    key text not null,
    fingerprint bytea not null,
    claimed_until timestamptz not null,
    expires_at timestamptz not null,
    status integer,
    headers jsonb,
    body bytea,
    primary key (owner, key)
);
create index idempotency_keys_expires_at_idx on idempotency_keys (expires_at);
"""
KIT_TABLES_V2 = """
alter table outbox_sequences add column changed_at timestamptz;
create table projection_checks (
    resource text primary key,
    sequence bigint not null,
    digest jsonb not null,
    compared_sequence bigint not null default 0,
    compared_at timestamptz,
    differing integer not null default 0,
    rounds integer not null default 0,
    repaired bigint not null default 0,
    repaired_at timestamptz
);
create or replace function outbox_drop(oldest timestamptz) returns void
language plpgsql set timezone = 'UTC' as $$
declare
    part text;
begin
    for part in
        select relname from pg_class
        where relname ~ '^outbox_[0-9]{4}_[0-9]{2}$' and relkind = 'r'
          and to_date(substr(relname, 8), 'YYYY_MM') + interval '1 month' < oldest
    loop
        execute format('alter table outbox detach partition %I', part);
        execute format('insert into outbox select old.* from %I old where published_at is null or exists ('
                       'select from outbox_sequences last where last.subject = old.subject '
                       'and last.value = old.sequence)', part);
        execute format('drop table %I', part);
    end loop;
end $$;
"""
"""Digests of projections; and a resource's latest event, like one that was never published, outlives the retention."""
KIT_TABLES_V3 = """
create table clocks (
    organization_id uuid primary key,
    clock_id uuid not null,
    instant timestamptz not null,
    round bigint not null,
    answered bigint not null,
    seen jsonb not null,
    recorded_after bigint not null,
    recorded_until bigint not null,
    is_deleted boolean not null
);
"""
"""Where the test clocks of organizations stand."""
KIT_TABLES_V4 = """
create table outbox_kept (like outbox including defaults);
alter table outbox attach partition outbox_kept for values from (minvalue) to ('1970-01-02 00:00:00+00');
create or replace function outbox_prepare(instant timestamptz, months integer) returns void
language plpgsql set timezone = 'UTC' set lock_timeout = '5s' as $$
declare
    first timestamptz := date_trunc('month', instant) + make_interval(months => months);
    part text := to_char(first, '"outbox_"YYYY_MM');
begin
    if to_regclass(part) is not null or exists (
        select from outbox_default where created_at >= first and created_at < first + interval '1 month'
    ) then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtext('outbox-relay'));
    perform set_config('lock_timeout', '50ms', true);
    execute format('create table %I (like outbox including defaults)', part);
    execute format('alter table outbox attach partition %I for values from (%L) to (%L)',
                   part, first, first + interval '1 month');
exception when lock_not_available then
    null;
end $$;
create or replace function outbox_drop(oldest timestamptz) returns void
language plpgsql as $$
begin
    null;
end $$;
"""
"""Room for the events that outlive the retention, and no function that keeps writers from the outbox.

`outbox_kept` is a partition of instants that no event is recorded at, so that whoever reads `outbox` reads it too.
`outbox_prepare` attaches a partition instead of creating it as one, which would lock `outbox` itself. Only the default
partition is locked, which readers of the whole outbox wait for: so the relay pauses, and who else has to be waited for
is given 50 ms; then the next hour tries again. `outbox_drop` remains for workers of 6270c0c, which call it every hour:
it did all of its work behind one lock on `outbox`. `servicekit.housekeeping` does that work in short transactions.
"""
KIT_SCHEMA = KIT_TABLES_V1 + KIT_TABLES_V2 + KIT_TABLES_V3 + KIT_TABLES_V4
"""What every service has of the kit once it is migrated, for a database that is no service's."""
KIT_TABLES = {"outbox", "outbox_sequences", "inbox", "retries", "idempotency_keys", "projection_checks", "clocks"}


def create_kit_tables_v1(op: Operations) -> None:
    """The first migration of every service: outbox, inbox, retries and idempotency keys."""
    _execute(op, KIT_TABLES_V1)


def upgrade_kit_tables_v2(op: Operations, *projections: str) -> None:
    """Digests: every service's second migration. `projections` are its tables of copies, which get a checksum."""
    _execute(op, KIT_TABLES_V2)
    for table in projections:
        op.add_column(table, Column("checksum", Text(), nullable=True))


def upgrade_kit_tables_v3(op: Operations) -> None:
    """Test clocks."""
    _execute(op, KIT_TABLES_V3)


def upgrade_kit_tables_v4(op: Operations) -> None:
    """A partition for the events that outlive the retention; months are dropped without a lock on the outbox."""
    _execute(op, KIT_TABLES_V4)


def _execute(op: Operations, statements: str) -> None:
    for statement in re.split(r";\n(?=create |alter )", statements):
        op.execute(statement)


def _ours(name: str | None, kind: str) -> bool:
    return not (kind == "table" and name is not None and (name in KIT_TABLES or name.startswith("outbox_")))


def run(metadata: MetaData) -> None:
    """Called by a service's `migrations/env.py`: upgrades the database of `DATABASE_URL`."""

    def upgrade(connection: Connection) -> None:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            compare_type=True,
            include_name=lambda name, kind, parents: _ours(name, kind),
        )
        with context.begin_transaction():
            connection.execute(text(f"set local lock_timeout = '{LOCK_TIMEOUT}'"))
            context.run_migrations()

    async def main() -> None:
        address = os.environ["DATABASE_URL"].partition("://")[2]
        engine = create_async_engine(f"postgresql+asyncpg://{address}", poolclass=pool.NullPool)
        async with engine.connect() as connection:
            await connection.run_sync(upgrade)
            await connection.commit()
        await engine.dispose()

    asyncio.run(main())
