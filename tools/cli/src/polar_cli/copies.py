"""Many like one: whatever the suite knows of one purchase, written again with ids of its own, in every database.

For benches that need tens of thousands of customers who bought something long ago. One real purchase is the model; of
each row that names it, in each service's database, as many copies are made, so that owners and their copies agree as
they did about the model. What is kept for some days only (outbox, inbox) is not copied: the purchases are old.
"""

import json
from uuid import UUID

import asyncpg

CHUNK = 5_000
TABLES = {
    "billing": ("customers", "checkouts", "orders", "order_items", "benefit_grants", "outbox_sequences"),
    "checkout": ("customers", "customer_reservations", "checkouts", "outbox_sequences"),
    "metering": ("customers",),
    "benefits": ("customers", "entitlements", "benefit_grants", "outbox_sequences"),
}
"""Where a free one-time purchase leaves rows. A row is found by an id of a row before it."""
_FRESH = ("email", "client_secret", "invoice_prefix")
"""Columns whose values are one row's alone, besides ids."""


async def copy_purchase(address: str, customer_id: UUID, order_id: UUID, count: int) -> None:
    """Makes `count` copies of the purchase. `address` is that of the server's databases, without a name.

    Raises `ValueError` when a table has nothing of it: then it was not settled yet, or the tables are others now.
    """
    ids = {str(customer_id), str(order_id)}
    fresh: dict[str, str] = {}
    found: dict[tuple[str, str], list[str]] = {}
    for service, names in TABLES.items():
        connection = await asyncpg.connect(f"{address}/{service}", server_settings={"timezone": "UTC"})
        for name in names:
            rows = await connection.fetch(
                f"select to_jsonb(t)::text as body from {name} t where to_jsonb(t)::text ~ $1", "|".join(ids)
            )
            if not rows:
                raise ValueError(f"{service}.{name} has nothing of the purchase")
            found[service, name] = [row["body"] for row in rows]
            for fields in map(json.loads, found[service, name]):
                ids |= {fields["id"]} if "id" in fields else set()
                fresh |= {fields[column]: column for column in _FRESH if fields.get(column)}
        await connection.close()
    for service, names in TABLES.items():
        connection = await asyncpg.connect(f"{address}/{service}", server_settings={"timezone": "UTC"})
        for name in names:
            statement = _statement(name, ids, fresh)
            for first in range(1, count + 1, CHUNK):
                await connection.execute(statement, found[service, name], first, min(first + CHUNK - 1, count))
            await connection.execute(f"vacuum analyze {name}")
        await connection.close()


def _statement(table: str, ids: set[str], fresh: dict[str, str]) -> str:
    """Inserts copies of the rows $1 with the numbers $2 to $3; the same number has the same ids in every database."""
    body = "model.body"
    for id in sorted(ids):
        body = f"replace({body}, '{id}', md5('{id}' || number)::uuid::text)"
    for value, column in fresh.items():
        made = {"email": "'holder' || number || '@example.com'", "invoice_prefix": "lpad(number::text, 8, '0')"}
        copied = made.get(column, f"'{value}' || number")
        body = f"replace({body}, '{value}', {copied})"
    return f"""
        insert into {table}
        select copy.*
        from unnest($1::text[]) as model (body)
        cross join generate_series($2::int, $3::int) as number
        cross join lateral (select ({body})::jsonb as fields) as row
        cross join lateral jsonb_populate_record(null::{table}, case when row.fields ? 'checksum' then row.fields ||
            jsonb_build_object('checksum', md5(jsonb_strip_nulls(row.fields - 'checksum')::text))
            else row.fields end) as copy
    """
