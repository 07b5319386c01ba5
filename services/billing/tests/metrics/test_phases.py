"""The history of what subscriptions were worth: kept by the database, whoever changes a subscription."""

import json
from itertools import product

import pytest
from billing.invariants import INVARIANTS
from billing.subscriptions.models import Subscription
from pricing.discounts import Snapshot, amount_off
from servicekit import clock
from sqlalchemy import text

PERCENT = {"type": "percentage", "basis_points": 3333, "amounts": None}
(INVARIANT,) = [one for one in INVARIANTS if "phase" in one.name]


async def phases(database, sale):
    async with database.transaction() as session:
        rows = await session.execute(
            text(
                "select net_amount, is_trial, is_committed, is_last, ends_at is null as present, starts_at, ends_at "
                "from subscription_phases where subscription_id = :id order by starts_at, ends_at"
            ),
            {"id": sale.subscription_id},
        )
        return rows.all()


async def broken(database):
    async with database.transaction() as session:
        return (await session.execute(text(INVARIANT.broken_by))).all()


@pytest.mark.parametrize("amount", [0, 1, 2, 3, 50, 99, 9999, 10_000_001])
@pytest.mark.parametrize(
    "terms",
    [
        None,
        PERCENT,
        {"type": "percentage", "basis_points": 5000, "amounts": None},
        {"type": "percentage", "basis_points": 10000, "amounts": None},
        {"type": "percentage", "basis_points": 1, "amounts": None},
        {"type": "fixed", "basis_points": None, "amounts": {"usd": 75, "eur": 1}},
        {"type": "fixed", "basis_points": None, "amounts": {"eur": 75}},
    ],
)
async def test_the_database_takes_off_what_the_library_does(database, amount, terms):
    async with database.transaction() as session:
        net = await session.scalar(
            text("select subscription_net_amount(:amount, 'usd', cast(:terms as jsonb))"),
            {"amount": amount, "terms": None if terms is None else json.dumps(terms)},
        )
    assert net == amount - amount_off(Snapshot.of(terms), amount, "usd")


async def test_the_database_rounds_to_the_currency_s_step(database):
    cases = product(["isk", "ugx", "kwd", "huf", "jpy"], [100, 7000, 33_300, 99_999_900], [1, 3333, 5000, 10_000])
    async with database.transaction() as session:
        for currency, amount, basis_points in cases:
            terms = {"type": "percentage", "basis_points": basis_points, "amounts": None}
            net = await session.scalar(
                text("select subscription_net_amount(:amount, :currency, cast(:terms as jsonb))"),
                {"amount": amount, "currency": currency, "terms": json.dumps(terms)},
            )
            assert net == amount - amount_off(Snapshot.of(terms), amount, currency), (currency, amount, basis_points)


async def test_each_change_of_worth_begins_a_phase_and_no_other_does(sell, client, database):
    sale = await sell("2026-02-01T12:00:00Z", 3000, "month")
    path = f"/v1/subscriptions/{sale.subscription_id}"
    assert (await client.patch(path, json={"metadata": {"a": 1}})).status_code == 200
    assert [row.net_amount for row in await phases(database, sale)] == [3000]
    for canceled in (True, False):
        assert (await client.patch(path, json={"cancel_at_period_end": canceled})).status_code == 200
    async with database.transaction() as session:
        await session.execute(text("update subscriptions set amount = 2000, modified_at = :now"), {"now": clock.now()})
    assert (await client.delete(path)).status_code == 200
    found = await phases(database, sale)
    assert [(row.net_amount, row.is_committed, row.is_last, row.present) for row in found] == [
        (3000, True, False, False), (3000, False, False, False), (3000, True, False, False), (2000, True, True, False),
    ]  # fmt: skip
    assert [row.ends_at for row in found[:-1]] == [row.starts_at for row in found[1:]]
    assert await broken(database) == []


async def test_changes_of_one_instant_are_one_phase(sell, database):
    sale = await sell("2026-02-01T12:00:00Z", 3000, "month")
    for amount in (4000, 5000):
        async with database.transaction() as session:
            subscription = await session.get(Subscription, sale.subscription_id)
            subscription.amount = amount  # the instant of its last change stays that of its start
    (row,) = await phases(database, sale)
    assert (row.net_amount, row.present) == (5000, True)


async def test_a_phase_that_was_edited_is_noticed(sell, database):
    sale = await sell("2026-02-01T12:00:00Z", 3000, "month")
    assert await broken(database) == []
    async with database.transaction() as session:
        await session.execute(text("update subscription_phases set net_amount = 1"))
    assert [row.id for row in await broken(database)] == [sale.subscription_id]
    async with database.transaction() as session:
        await session.execute(text("delete from subscription_phases"))
    assert [row.id for row in await broken(database)] == [sale.subscription_id]
