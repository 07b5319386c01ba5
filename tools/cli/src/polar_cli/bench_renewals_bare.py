"""What the rows of renewals cost at least: written again with asyncpg, into twins of the tables."""

import asyncio
import time
from typing import Any
from uuid import UUID

SAMPLE = 2_000
TOGETHER = 50
"""Renewals in one transaction, as in the service."""
BILLED = ("order.created.v1", "subscription.cycled.v1", "subscription.updated.v1")
SETTLED = ("order.updated.v1", "order.paid.v1")
_EVENTS = (
    "select event_id, routing_key, source, subject, sequence, organization_id, payload, created_at from outbox "
    "where routing_key = any($2) and subject in (select unnest($1::uuid[]) union "
    "select subscription_id from orders where id = any($1))"
)
_MOVEMENTS = "select id from ledger_transactions where order_id = any($1)"
FIRST = {
    "orders": "select * from orders where id = any($1)",
    "order_items": "select * from order_items where order_id = any($1)",
    "payments": "select * from payments where order_id = any($1)",
    "outbox": _EVENTS,
}
"""What the transaction that begins a period inserts, and below what that of the payment does."""
SECOND = {
    "ledger_transactions": "select id, organization_id, created_at, modified_at, kind, order_id, payment_id, "
    "customer_id, occurred_at from ledger_transactions where order_id = any($1)",
    "ledger_entries": f"select * from ledger_entries where transaction_id in ({_MOVEMENTS})",
    "mails": "select m.id, m.created_at, m.recipient, m.subject from mails m join customers c on c.email = m.recipient "
    "join orders o on o.customer_id = c.id where o.id = any($1)",
    "outbox": _EVENTS,
}
_TOUCHED = {
    "first": (
        "update subscriptions set modified_at = now() where id in (select subscription_id from orders "
        "where id = any($1))",
        "update customers set modified_at = now() where id in (select customer_id from orders where id = any($1))",
    ),
    "second": (
        "update bare_orders set paid_at = now() where id = any($1)",
        "update bare_payments set modified_at = now() where order_id = any($1)",
        "update customers set modified_at = now() where id in (select customer_id from orders where id = any($1))",
    ),
}

Rows = dict[str, tuple[str, list[tuple[Any, ...]]]]
"""By table: the statement that inserts one, and the values of each."""


async def bare_rows(pool: Any, connections: int) -> float:
    """Renewals a second whose rows `connections` of asyncpg write, in two transactions of 50 renewals each.

    Inserted again is what some of the renewals of the run inserted; updated is what they updated.
    """
    for name in (*FIRST, *SECOND):
        await pool.execute(f"create table if not exists bare_{name} (like {name} including defaults including indexes)")
    ids: list[UUID] = [row["id"] for row in await pool.fetch("select id from orders limit $1", SAMPLE)]
    shares = [ids[place : place + TOGETHER] for place in range(0, len(ids), TOGETHER)]
    work = [
        (share, await _rows(pool, FIRST, share, BILLED), await _rows(pool, SECOND, share, SETTLED)) for share in shares
    ]

    async def writer() -> None:
        async with pool.acquire() as connection:
            while work:
                share, first, second = work.pop()
                for rows, updates in ((first, _TOUCHED["first"]), (second, _TOUCHED["second"])):
                    async with connection.transaction():
                        for statement, values in rows.values():
                            await connection.executemany(statement, values)
                        for statement in updates:
                            await connection.execute(statement, share)

    began = time.monotonic()
    await asyncio.gather(*(writer() for _ in range(connections)))
    return len(ids) / (time.monotonic() - began)


async def _rows(pool: Any, wanted: dict[str, str], share: list[UUID], keys: tuple[str, ...]) -> Rows:
    found: Rows = {}
    for name, statement in wanted.items():
        records = await pool.fetch(statement, share, *([keys] if "$2" in statement else []))
        if records:
            columns = list(records[0].keys())
            holes = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
            names = ", ".join(f'"{column}"' for column in columns)
            values = [tuple(record.values()) for record in records]
            found[name] = f"insert into bare_{name} ({names}) values ({holes})", values
    return found
