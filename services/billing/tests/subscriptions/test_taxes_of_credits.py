"""A credit has the tax of the order that it corrects (Directive 2006/112/EC, art. 90(1) and 219), debits today's."""

from datetime import UTC, datetime, timedelta

import pytest
from billing.audit.run import audit
from billing.subscriptions.renewals import renew_due
from servicekit import clock

CONSUMER = {"billing_address": {"country": "DE"}}


@pytest.fixture
def sold(bus, purchased, sandbox, seller):
    """A French seller has sold a month in euros to a consumer in Germany; `left` days of the month are left."""

    async def sell(amount, tax, start, left, behavior="exclusive"):
        clock.move(start - clock.now())
        await seller(country="FR")
        template = purchased(amount=amount).data
        price = {**template.price.model_dump(), "price_currency": "eur"}
        product = {**template.product.model_dump(), "prices": [price]}
        net = amount - (tax if behavior == "inclusive" else 0)
        breakdown = [{
            "amount": tax, "taxable_amount": net, "taxability_reason": "standard_rated", "rate": "19",
            "display_name": "VAT", "country": "DE", "state": None,
        }]  # fmt: skip
        payment = template.payment.model_dump() | {"amount": net + tax, "currency": "eur"}
        customer, method = sandbox.card("pm_card_visa")
        payment |= {"processor_customer_id": customer, "processor_payment_method_id": method}
        event = purchased(
            amount=amount, tax=tax, currency="eur", price=price, product=product, payment=payment, customer=CONSUMER,
            tax_behavior=behavior, tax_breakdown=breakdown, net_amount=net, total_amount=net + tax,
        )  # fmt: skip
        await bus.deliver(event)
        end = datetime(2027, start.month + 1, 1, tzinfo=UTC)
        clock.move(end - timedelta(days=left) - clock.now())
        return event.data

    yield sell
    clock.reset()


@pytest.fixture
def downgraded(client, announced, database):
    """Changes to another price at once. Returns the order, when it is explained and the books agree."""

    async def change(purchase, amount, behavior="invoice"):
        product = await announced(price={"amount_type": "fixed", "price_amount": amount, "price_currency": "eur"})
        body = {"product_id": str(product.id), "proration_behavior": behavior}
        answer = await client.patch(f"/v1/subscriptions/{purchase.subscription_id}", json=body)
        assert answer.status_code == 200, answer.text
        order = (await client.get("/v1/orders/", params={"limit": 1})).json()["items"][0]
        explained = (await client.get(f"/v1/orders/{order['id']}/explain")).json()
        assert explained["holds"] is True, explained
        found = (await audit(database, None)).differences
        assert {name: one.lines() for name, one in found.items() if "outbox" not in name} == {}
        return order

    return change


async def moved(client, purchase, **changes):
    answer = await client.patch(f"/v1/customers/{purchase.customer.id}", json=changes)
    assert answer.status_code == 200, answer.text


def taxes(order):
    assert sum(item["tax_amount"] for item in order["items"]) == order["tax_amount"]
    items = [(one["country"], one["rate"], one["taxable_amount"], one["amount"]) for one in order["tax_breakdown"]]
    return order["net_amount"], order["tax_amount"], order["total_amount"], items


SEPTEMBER, OCTOBER = datetime(2027, 9, 1, tzinfo=UTC), datetime(2027, 10, 1, tzinfo=UTC)


async def test_a_consumer_who_became_a_business(client, sold, downgraded):
    """4000 and 760 of tax were paid; 20 of 30 days are left: -2667 with -507, and 667 without tax."""
    purchase = await sold(4000, 760, SEPTEMBER, 20)
    await moved(client, purchase, tax_id="DE136695976")
    order = await downgraded(purchase, 1000)
    assert taxes(order) == (-2000, -507, -2507, [("DE", None, 667, 0), ("DE", "19", -2667, -507)])
    assert [(item["amount"], item["tax_amount"]) for item in order["items"]] == [(-2667, -507), (667, 0)]
    assert order["applied_balance_amount"] == 2507


async def test_a_consumer_who_left_the_union(client, sold, downgraded):
    purchase = await sold(4000, 760, SEPTEMBER, 20)
    await moved(client, purchase, billing_address={"country": "US", "state": "US-CA"})
    order = await downgraded(purchase, 1000)
    assert taxes(order)[:3] == (-2000, -507, -2507)
    assert ("DE", "19", -2667, -507) in taxes(order)[3]


async def test_german_tax_stays_german(client, sold, downgraded):
    """3333 and 633; 16 of 31 days are left: -1720 with -327, and 517 with 27 % that Hungary gets: 140."""
    purchase = await sold(3333, 633, OCTOBER, 16)
    await moved(client, purchase, billing_address={"country": "HU"})
    order = await downgraded(purchase, 1001)
    assert taxes(order) == (-1203, -187, -1390, [("HU", "27", 517, 140), ("DE", "19", -1720, -327)])


async def test_the_same_tax_is_one_calculation(client, sold, downgraded):
    purchase = await sold(4000, 760, SEPTEMBER, 20)
    order = await downgraded(purchase, 1000)
    assert taxes(order) == (-2000, -380, -2380, [("DE", "19", -2000, -380)])


async def test_inclusive_prices_give_back_what_was_in_them(client, sold, downgraded):
    purchase = await sold(4760, 760, SEPTEMBER, 15, "inclusive")
    await moved(client, purchase, billing_address={"country": "HU"})
    order = await downgraded(purchase, 1270)
    # -2380 with 380 of German tax in it, 635 with 135 of Hungarian tax in it
    assert taxes(order) == (-1500, -245, -1745, [("HU", "27", 500, 135), ("DE", "19", -2000, -380)])
    assert [(item["amount"], item["tax_amount"]) for item in order["items"]] == [(-2380, -380), (635, 135)]


async def test_the_next_credit_has_the_tax_of_the_debit_that_it_corrects(client, sold, downgraded):
    """Each half of two days: the second credit is Hungarian, since the line that it corrects was."""
    purchase = await sold(4000, 760, SEPTEMBER, 15)
    await moved(client, purchase, billing_address={"country": "HU"})
    await downgraded(purchase, 1000)
    await moved(client, purchase, billing_address={"country": "DE"})
    order = await downgraded(purchase, 0)
    assert taxes(order) == (-500, -135, -635, [("HU", "27", -500, -135)])


async def test_entries_keep_the_tax_until_an_order_takes_them(client, sold, downgraded, database):
    purchase = await sold(4000, 760, SEPTEMBER, 20)
    await downgraded(purchase, 1000, "prorate")
    await moved(client, purchase, tax_id="DE136695976")
    order = (await client.get(f"/v1/orders/{purchase.order_id}")).json()
    assert order["total_amount"] == 4760
    clock.move(timedelta(days=21))
    assert await renew_due(database.transaction) == 1
    order = (await client.get("/v1/orders/", params={"limit": 1})).json()["items"][0]
    assert taxes(order) == (-1000, -507, -1507, [("DE", None, 1667, 0), ("DE", "19", -2667, -507)])
    found = (await audit(database, None)).differences
    assert {name: one.lines() for name, one in found.items() if "outbox" not in name} == {}
