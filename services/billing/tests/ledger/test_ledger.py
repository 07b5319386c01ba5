"""PostgreSQL itself refuses what does not balance, what is added later, what is edited, removed, emptied or forged."""

import re

import asyncpg
import pytest
from billing.ledger import fees
from billing.ledger.fees import PlatformFee
from billing.ledger.models import ACCOUNTS, KINDS
from servicekit import clock, ids
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

ENTRY = text(
    "insert into ledger_entries (id, transaction_id, organization_id, account, amount, currency) "
    "values (:id, :transaction_id, :organization_id, :account, :amount, :currency)"
)
TRANSACTION = text(
    "insert into ledger_transactions (id, organization_id, created_at, kind, order_id, payment_id, occurred_at) "
    "values (:id, :organization_id, :at, :kind, :other, :other, :at)"
)


async def sums(database):
    async with database.transaction() as session:
        rows = await session.execute(
            text("select account, sum(amount) from ledger_entries group by account having sum(amount) <> 0")
        )
        return dict(rows.all())


async def test_a_payment_comes_and_is_owed_on(bus, purchased, database):
    await bus.deliver(purchased(tax=990, off=1000))
    assert await sums(database) == {"processor": 9890, "merchant_balance": -8900, "tax_payable": -990}
    async with database.transaction() as session:
        kinds = await session.execute(text("select kind from ledger_transactions order by kind"))
        assert list(kinds.scalars()) == ["balance", "payment"]


async def test_the_operators_fee_by_the_settings(bus, purchased, database):
    fees.use(PlatformFee(500, {"usd": 50}))
    try:
        await bus.deliver(purchased(amount=9990))
    finally:
        fees.use(PlatformFee())
    # 5 % of 99.90 are 4.995: rounded away from zero, and 0.50 beside it.
    assert await sums(database) == {"processor": 9990, "merchant_balance": -9440, "platform_fee": -550}


@pytest.mark.parametrize(
    ("amount", "basis_points", "fixed", "fee"),
    [(9900, 0, {}, 0), (150, 500, {}, 8), (149, 500, {}, 7), (40, 0, {"usd": 50}, 40), (1000, 400, {"eur": 40}, 40)],
)
def test_fees_are_rounded_and_never_more_than_the_payment(amount, basis_points, fixed, fee):
    assert PlatformFee(basis_points, fixed).of(amount, "usd") == fee


async def write(database, organization_id, *amounts, transaction_id=None, kind="payment", currencies=()):
    async with database.transaction() as session:
        return await written(session, organization_id, *amounts, transaction_id=transaction_id, kind=kind,
                             currencies=currencies)  # fmt: skip


async def written(session, organization_id, *amounts, transaction_id=None, kind="payment", currencies=()):
    new = transaction_id or ids.uuid7()
    if transaction_id is None:
        fields = {"id": new, "organization_id": organization_id, "at": clock.now(), "other": ids.uuid7()}
        await session.execute(TRANSACTION, {**fields, "kind": kind})
    for number, amount in enumerate(amounts):
        entry = {"id": ids.uuid7(), "transaction_id": new, "organization_id": organization_id}
        entry |= {"account": ACCOUNTS[number % 10], "currency": currencies[number] if currencies else "usd"}
        await session.execute(ENTRY, {**entry, "amount": amount})
    return new


@pytest.mark.parametrize("amounts", [(100, -99), (100,), (), (0, 0)])
async def test_what_does_not_balance_is_refused_at_the_commit(database, organization_id, amounts):
    with pytest.raises(DBAPIError, match=r"balance|moves something"):
        await write(database, organization_id, *amounts)


async def test_each_currency_balances_for_itself(database, organization_id):
    await write(database, organization_id, 100, -100, 5, -5, currencies=("usd", "usd", "eur", "eur"))
    with pytest.raises(DBAPIError, match="balance"):
        await write(database, organization_id, 100, -100, currencies=("usd", "eur"))


async def test_nothing_is_added_to_an_earlier_movement(database, organization_id):
    good = await write(database, organization_id, 100, -60, -40)
    with pytest.raises(DBAPIError, match="closed"):
        await write(database, organization_id, 5, -5, transaction_id=good)


async def test_nothing_is_added_after_an_early_check(database, organization_id):
    async with database.engine.connect() as connection:
        good = await written(connection, organization_id, 100, -100)
        await connection.execute(text("set constraints all immediate"))
        with pytest.raises(DBAPIError, match="balance"):
            await written(connection, organization_id, 7, transaction_id=good)


async def test_the_mark_of_a_movement_cannot_be_forged(database, organization_id):
    """A row that claims to be of a coming database transaction is marked with its own: nothing is added to it then."""
    async with database.transaction() as session:
        new = await written(session, organization_id, 100, -100)
        await session.execute(
            text("insert into ledger_transactions (id, organization_id, created_at, kind, payment_id, occurred_at, "
                 "written_by) values (:id, :organization_id, :at, 'payment', :id, :at, '9999999')"),
            {"id": (forged := ids.uuid7()), "organization_id": organization_id, "at": clock.now()},
        )  # fmt: skip
        await written(session, organization_id, 5, -5, transaction_id=forged)
        marks = await session.execute(text("select distinct written_by::text from ledger_transactions"))
        assert len(marks.all()) == 1
    for closed in (new, forged):
        with pytest.raises(DBAPIError, match="closed"):
            await write(database, organization_id, 5, -5, transaction_id=closed)


async def test_another_organizations_movement_takes_no_entries(database, organization_id):
    async with database.engine.connect() as connection:
        mine = await written(connection, organization_id, 100, -100)
        with pytest.raises(DBAPIError, match="of another organization"):
            await written(connection, ids.uuid7(), 5, -5, transaction_id=mine)


CHANGES = (
    "update ledger_entries set amount = amount + 1",
    "update ledger_entries set account = 'payouts'",
    "delete from ledger_entries",
    "update ledger_transactions set kind = 'payout'",
    "delete from ledger_transactions",
    "truncate ledger_entries",
    "truncate ledger_transactions cascade",
    "insert into ledger_entries select * from ledger_entries on conflict (id) do update set amount = 1",
    "with gone as (delete from ledger_entries returning *) select * from gone",
)


@pytest.mark.parametrize("change", CHANGES)
async def test_what_was_written_stays(database, organization_id, change):
    await write(database, organization_id, 100, -60, -40)
    with pytest.raises(DBAPIError, match=r"append-only|closed"):
        async with database.transaction() as session:
            await session.execute(text(change))
    async with database.transaction() as session:
        kept = await session.execute(text("select array_agg(amount order by amount) from ledger_entries"))
        assert kept.scalar_one() == [-60, -40, 100]


async def test_the_owner_of_the_tables_is_refused_too(database, database_url, organization_id):
    """A service's role owns its tables: that alone lets it neither edit nor pass the rules by."""
    await write(database, organization_id, 100, -100)
    connection = await asyncpg.connect(database_url.replace("postgresql+asyncpg", "postgresql"))
    whole = connection.transaction()
    await whole.start()
    try:
        await connection.execute("create role ledger_tester")
        await connection.execute("grant all on schema public to ledger_tester")
        for table in ("ledger_transactions", "ledger_entries"):
            await connection.execute(f"alter table {table} owner to ledger_tester")
        await connection.execute("set local role ledger_tester")
        for change in CHANGES:
            with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=r"append-only|closed"):
                async with connection.transaction():
                    await connection.execute(change)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("set session_replication_role = replica")
    finally:
        await whole.rollback()
        await connection.close()


@pytest.mark.parametrize(
    ("kind", "problem"), [("gift", "kind_check"), ("refund", "references_check"), ("dispute", "references_check")]
)
async def test_kinds_are_known_and_say_what_they_are_about(database, organization_id, kind, problem):
    with pytest.raises(DBAPIError, match=problem):
        await write(database, organization_id, 1, -1, kind=kind)


async def test_a_payment_stands_once(database, organization_id):
    payment = {"id": ids.uuid7(), "organization_id": organization_id, "at": clock.now(), "other": ids.uuid7()}
    async with database.engine.connect() as connection:
        await connection.execute(TRANSACTION, {**payment, "kind": "payment"})
        with pytest.raises(DBAPIError, match="ledger_transactions_payment_key"):
            await connection.execute(TRANSACTION, {**payment, "id": ids.uuid7(), "kind": "payment"})


async def test_the_words_of_the_checks_are_those_of_the_code(database):
    async with database.transaction() as session:
        for name, words in (("ledger_transactions_kind_check", KINDS), ("ledger_entries_account_check", ACCOUNTS)):
            checks = text("select pg_get_constraintdef(oid) from pg_constraint where conname = :name")
            condition = (await session.execute(checks, {"name": name})).scalar_one()
            assert set(re.findall(r"'(\w+)'", condition)) == set(words)
