"""What Stripe Tax is told of sales and refunds: each once, in time, and never in the way of the money."""

from datetime import date, timedelta

import pytest
import tax
from billing.refunds import operations as refunds
from billing.tax_transactions.timers import tell_providers
from servicekit import clock
from sqlalchemy import text

ADDRESS = tax.Address("US", "US-NY", "10001")


@pytest.fixture
async def quotes(sandbox):
    """Billing asks the local Stripe for its taxes."""
    asked = tax.Quotes.of(True, "sk_test_billing", sandbox.url)
    yield asked
    await asked.close()


@pytest.fixture
def sold(bus, purchased, sandbox, quotes):
    """Sells something once to a buyer in New York; returns the event of the purchase."""

    async def sell(amount=10_000):
        request = tax.TaxRequest(f"sale-{amount}", "usd", "exclusive", (tax.Line("a", amount),), date(2026, 11, 28),
                                 "US", ADDRESS)  # fmt: skip
        await quotes.ask(request)
        found = quotes.known(request)
        event = purchased(
            amount=amount, tax=found.amount, interval=None, processor_id=sandbox.pay(amount + found.amount),
            tax_calculation_id=found.calculation_id, tax_computation=found.computation, tax_behavior="exclusive",
        )  # fmt: skip
        await bus.deliver(event)
        return event.data

    return sell


async def told(database, order_id):
    """The rows of an order: what moved, how often it was tried, the provider's name of it, and whether it waits."""
    async with database.transaction() as session:
        found = await session.execute(
            text("select amount, attempts, transaction_id, due_at is not null as waits from tax_transactions "
                 "where order_id = :order order by created_at, id"),
            {"order": order_id},
        )  # fmt: skip
        return [tuple(row) for row in found]


async def refunded(client, order_id, amount):
    wish = {"order_id": str(order_id), "reason": "customer_request", "amount": amount}
    answer = await client.post("/v1/refunds/", json=wish)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def run(database, quotes):
    done = 0
    while await tell_providers(database.transaction, quotes):
        done += 1
    return done


async def test_a_sale_is_kept_and_each_refund_taken_back_once(client, sold, database, quotes, sandbox):
    purchase = await sold()
    ((amount, attempts, kept, waits),) = await told(database, purchase.order_id)
    assert (amount, attempts, kept, waits) == (purchase.total_amount, 0, None, True), "with the money, not before"
    assert await run(database, quotes) == 1
    ((_, _, kept, waits),) = await told(database, purchase.order_id)
    assert not waits
    transaction = sandbox.get(f"/v1/tax/transactions/{kept}")
    assert (transaction["type"], transaction["reference"]) == ("transaction", str(purchase.order_id))
    part = await refunded(client, purchase.order_id, 4000)
    await refunded(client, purchase.order_id, 6000)
    assert await run(database, quotes) == 2
    assert await run(database, quotes) == 0
    _, first, second = await told(database, purchase.order_id)
    assert first[0] == part["amount"] + part["tax_amount"]
    assert first[0] + second[0] == purchase.total_amount
    reversal = sandbox.get(f"/v1/tax/transactions/{first[2]}")
    assert (reversal["type"], reversal["reference"]) == ("reversal", part["id"])


async def test_a_refund_waits_for_its_sale_and_takes_all_of_it_back(client, sold, database, quotes, sandbox):
    purchase = await sold()
    await refunded(client, purchase.order_id, 10_000)
    sandbox.faults(errors=2)
    assert await tell_providers(database.transaction, quotes) == 1
    sandbox.faults(errors=0)
    assert await run(database, quotes) == 0, "the sale is not kept yet, and its turn has not come again"
    clock.move(timedelta(minutes=1))
    assert await run(database, quotes) == 2
    sale, refund = await told(database, purchase.order_id)
    assert (sale[1], refund[1], sale[3], refund[3]) == (2, 1, False, False)


async def test_a_provider_that_fails_holds_nothing_up_and_is_asked_again_later_each_time(
    client, sold, database, quotes, sandbox
):
    sandbox.faults(errors=0)
    purchase = await sold()
    assert (await client.get(f"/v1/orders/{purchase.order_id}")).json()["status"] == "paid"
    waits = []
    for _ in range(4):
        sandbox.faults(errors=2)
        before = clock.now()
        while not await tell_providers(database.transaction, quotes):
            clock.move(timedelta(seconds=10))
        waits.append((clock.now() - before) // timedelta(seconds=10))
    sandbox.faults(errors=0)
    assert waits == sorted(waits)
    assert waits[-1] >= 10, "two minutes and more after the third failure"
    clock.move(timedelta(hours=1))
    assert await run(database, quotes) == 1
    assert (await told(database, purchase.order_id))[0][1] == 5


async def test_a_crash_after_the_answer_tells_the_same_again(sold, database, quotes, monkeypatch):
    purchase = await sold()
    provider = quotes.provider("stripe")
    kept = await provider.record(purchase.tax_calculation_id, str(purchase.order_id))
    assert await run(database, quotes) == 1
    assert (await told(database, purchase.order_id))[0][2] == kept


async def test_a_refund_that_the_bank_sends_back_is_not_told(client, sold, database, quotes):
    purchase = await sold()
    await run(database, quotes)
    made = await refunded(client, purchase.order_id, 4000)
    async with database.transaction() as session:
        await refunds.settle(session, made["id"], refunds.Said("failed", failure_reason="lost_or_stolen_card"))
    assert await run(database, quotes) == 0
    assert (await told(database, purchase.order_id))[1][1:] == (0, None, False)


async def test_what_the_tables_taxed_is_told_to_nobody(bus, purchased, database, quotes):
    event = purchased(interval=None, tax=1900, tax_computation={"provider": "builtin"})
    await bus.deliver(event)
    assert await told(database, event.data.order_id) == []
