"""What an earlier release left waiting on subscriptions that ended: listed by a check, repaired by a command."""

from datetime import UTC, datetime

import pytest
from billing import commands
from billing.invariants import INVARIANTS
from sqlalchemy import text

OF_ENDED = next(one for one in INVARIANTS if one.name == "nothing waits for an order of a subscription that is over")


@pytest.fixture
async def ended_with_entries(database, bought_at, announced, patched, gone_to, client):
    """A subscription that ended while a change's lines waited, as the earlier release left it; their sum."""

    async def end(old, new):
        purchase, product = await bought_at(datetime(2027, 4, 1, tzinfo=UTC), old), await announced(new)
        await gone_to(datetime(2027, 4, 11, tzinfo=UTC))
        assert (await patched(purchase, product_id=product.id, proration_behavior="prorate")).status_code == 200
        async with database.transaction() as session:
            await session.execute(text("update subscriptions set status = 'canceled', ended_at = current_period_end"))
        return purchase

    return end


async def broken(database):
    async with database.transaction() as session:
        return len((await session.execute(text(OF_ENDED.broken_by))).all())


async def balance_of(database):
    async with database.transaction() as session:
        return (await session.execute(text("select coalesce(sum(amount), 0)::int from customer_balances"))).scalar_one()


@pytest.mark.parametrize(
    ("old", "new", "said", "balance", "orders"),
    [(5000, 4000, "-666", 666, 2), (3000, 9999, "4666", 0, 1)],
    ids=["a credit goes to the customer's balance", "a charge that nobody asked for in time is dropped"],
)
async def test_leftovers_are_named_and_repaired_once(
    database, settings, ended_with_entries, capsys, old, new, said, balance, orders
):
    purchase = await ended_with_entries(old, new)
    assert await broken(database) == 2
    assert await commands.run_leftovers(settings, repaired=False) == 1
    listed = capsys.readouterr().out
    assert f"2 entries of {said} usd wait on {purchase.subscription_id}" in listed
    assert await broken(database) == 2
    for _ in range(2):
        assert await commands.run_leftovers(settings, repaired=True) == 0
        assert await broken(database) == 0
        assert await balance_of(database) == balance
        async with database.transaction() as session:
            assert (await session.execute(text("select count(*) from orders"))).scalar_one() == orders
