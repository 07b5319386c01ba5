"""Among 100,000 rows of fifty organizations: as many statements as there are kinds of facts, and no table is walked."""

import asyncpg
from servicekit.testing.plans import clone, statements_of

TABLES = {
    "orders": {"checkout_id": "gen_random_uuid()", "invoice_number": "'i' || n", "period_start": "null"},
    "payments": {"processor_id": "'pi' || n", "order_id": "gen_random_uuid()"},
    "subscriptions": {"checkout_id": "gen_random_uuid()"},
    "checkouts": {},
}
WALKED = {*TABLES, "subscription_phases"}


async def test_all_metrics_are_a_dozen_statements_on_indexes(client, sell, database, database_url):
    sale = await sell("2026-02-02T12:00:00Z", 3000, "month")
    connection = await asyncpg.connect(database_url)
    try:
        for table, changes in TABLES.items():
            await clone(connection, table, sale.organization_id, **changes)
        await connection.execute("analyze subscription_phases")
    finally:
        await connection.close()
    counts = set()
    for dates, interval in (("2025-03-01/2026-02-28", "day"), ("2026-01-01/2026-03-31", "month")):
        first, last = dates.split("/")
        path = f"/v1/metrics/?start_date={first}&end_date={last}&interval={interval}&timezone=Europe/Berlin"
        sent = await statements_of(client, database, database_url, path)
        counts.add(len(sent))
        walked = {table for statement in sent for table in statement.walked} & WALKED
        assert not walked
        totals = (await client.get(path)).json()["totals"]
        assert (totals["orders"], totals["active_subscriptions"], totals["checkouts"]) == (2001, 2001, 2001)
    assert len(counts) == 1
    assert counts.pop() <= 12
