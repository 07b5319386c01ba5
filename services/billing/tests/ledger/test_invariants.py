"""Billing's invariants hold after sales, and say what is wrong when the books were bent by hand."""

from billing.invariants import INVARIANTS
from servicekit.invariants import Invariants
from sqlalchemy import text


async def broken(database):
    invariants = Invariants(INVARIANTS)
    await invariants.check(database.transaction)
    return {state["name"]: state["broken_by"] for state in invariants.shown()["invariants"] if not state["holds"]}


async def test_they_hold_after_sales(bus, purchased, database):
    await bus.deliver(purchased(), purchased(interval=None, email="bob@example.com", tax=100), purchased(amount=0))
    async with database.transaction() as session:
        # Nothing publishes in this test: a relay would have taken the events.
        await session.execute(text("update outbox set published_at = created_at"))
    assert await broken(database) == {}


async def test_they_name_what_was_bent(bus, purchased, database):
    event = purchased()
    await bus.deliver(event)
    for bend in (
        "update orders set total_amount = total_amount + 1, tax_amount = tax_amount + 1",
        "update customers set invoices_count = invoices_count + 1",
        "delete from outbox where routing_key = 'order.updated.v1'",
        "update outbox set published_at = null, created_at = created_at - interval '10 minutes'",
        "alter table ledger_entries disable trigger ledger_entries_append_only",
    ):
        async with database.transaction() as session:
            await session.execute(text(bend))
    try:
        found = await broken(database)
    finally:
        async with database.transaction() as session:
            await session.execute(text("alter table ledger_entries enable trigger ledger_entries_append_only"))
    assert set(found) == {
        "the ledger's rules are in force",
        "a settled order that was due has exactly one payment of what was due",
        "invoice numbers of a customer have no gaps",
        "events are numbered without gaps",
        "events are published within five minutes",
    }
    (order,) = found["a settled order that was due has exactly one payment of what was due"]
    assert order["id"] == str(event.data.order_id)
