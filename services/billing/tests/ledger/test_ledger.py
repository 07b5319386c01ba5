"""PostgreSQL itself refuses what does not balance, what is added later, and what is edited."""

import pytest
from servicekit import clock, ids
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

ENTRY = text(
    "insert into ledger_entries (id, transaction_id, organization_id, account, amount, currency) "
    "values (:id, :transaction_id, :organization_id, :account, :amount, 'usd')"
)
TRANSACTION = text(
    "insert into ledger_transactions (id, organization_id, created_at, kind, order_id, payment_id, occurred_at) "
    "values (:id, :organization_id, :at, 'test', :other, :other, :at)"
)


async def test_a_payment_is_two_sides(bus, purchased, database):
    await bus.deliver(purchased(tax=990, off=1000))
    async with database.transaction() as session:
        rows = await session.execute(text("select account, sum(amount) from ledger_entries group by account"))
        assert dict(rows.tuples().all()) == {"processor": 9890, "merchant_balance": -8900, "tax_payable": -990}


async def write(database, organization_id, *amounts, transaction_id=None):
    async with database.transaction() as session:
        new = transaction_id or ids.uuid7()
        if transaction_id is None:
            fields = {"id": new, "organization_id": organization_id, "at": clock.now(), "other": ids.uuid7()}
            await session.execute(TRANSACTION, fields)
        for number, amount in enumerate(amounts):
            entry = {"id": ids.uuid7(), "transaction_id": new, "organization_id": organization_id}
            await session.execute(ENTRY, {**entry, "account": f"a{number}", "amount": amount})
        return new


async def test_the_database_refuses(database, organization_id):
    good = await write(database, organization_id, 100, -60, -40)
    for amounts in ((100, -99), (100,), (), (0, 0)):
        with pytest.raises(DBAPIError, match=r"balance|moves something"):
            await write(database, organization_id, *amounts)
    with pytest.raises(DBAPIError, match="closed"):
        await write(database, organization_id, 5, -5, transaction_id=good)
    for change in (
        "update ledger_entries set amount = amount + 1",
        "delete from ledger_entries",
        "update ledger_transactions set kind = 'other'",
        "delete from ledger_transactions",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            async with database.transaction() as session:
                await session.execute(text(change))
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from ledger_entries"))).scalar_one() == 3
