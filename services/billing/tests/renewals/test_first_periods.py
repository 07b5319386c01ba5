"""Renewals after a first period that was free, or cost what its checkout set: charged in full to the kept card."""

from datetime import timedelta

import pytest
from contracts.catalog import Price
from servicekit import clock, ids

from services.billing.tests.renewals.steps import orders_of, renewed


def discount_of(organization_id, **changes):
    return {
        "id": ids.uuid7(), "created_at": clock.now(), "modified_at": None, "organization_id": organization_id,
        "metadata": {}, "name": "Free", "code": None, "type": "percentage", "duration": "once",
        "duration_in_months": None, "basis_points": 10_000, "amount": None, "currency": None, "amounts": None,
        "starts_at": None, "ends_at": None, "max_redemptions": None, "max_redemptions_per_customer": None,
        "redemptions_count": 1, "is_deleted": False, "products": [], **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "charged"),
    [
        ({}, [0, 2900, 2900]),
        ({"duration": "repeating", "duration_in_months": 2}, [0, 0, 2900]),
        ({"type": "fixed", "basis_points": None, "amounts": {"usd": 999_999}}, [0, 2900, 2900]),
    ],
    ids=["once", "repeating", "fixed"],
)
async def test_the_card_that_was_kept_pays(
    client, bus, purchased, database, processor, sandbox, organization_id, changes, charged
):
    card = sandbox.card()
    setup = {
        "processor": "stripe", "processor_customer_id": card[0], "processor_payment_method_id": card[1],
        "method": "card", "method_metadata": {"brand": "visa", "last4": "4242"},
    }  # fmt: skip
    discount = discount_of(organization_id, **changes)
    event = purchased(amount=2900, off=2900, discount=discount, setup=setup)
    await bus.deliver(event)
    customer = (await client.get(f"/v1/customers/{event.data.customer.id}")).json()
    assert customer["default_payment_method_id"] is not None
    for _ in range(2):
        clock.move(timedelta(days=31))
        await renewed(database, processor)
    assert [(one["total_amount"], one["status"]) for one in await orders_of(client)] == [
        (amount, "paid") for amount in charged
    ]
    assert sandbox.summary()["payment_intents"] == sum(amount > 0 for amount in charged)


async def test_a_price_of_the_checkout_is_what_renewals_cost(client, bus, purchased, database, processor, sandbox):
    event = purchased(amount=777, card=sandbox.card())
    catalogs = event.data.price.model_copy(update={"id": ids.uuid7(), "price_amount": 2500})
    event.data.price = Price.model_validate({**event.data.price.model_dump(), "source": "ad_hoc"})
    event.data.product.prices = [catalogs]
    await bus.deliver(event)
    clock.move(timedelta(days=31))
    await renewed(database, processor)
    orders = await orders_of(client)
    assert [(one["total_amount"], one["status"]) for one in orders] == [(777, "paid")] * 2
    assert {item["product_price_id"] for one in orders for item in one["items"]} == {str(event.data.price.id)}
    subscription = (await client.get(f"/v1/subscriptions/{event.data.subscription_id}")).json()
    assert [(price["source"], price["price_amount"]) for price in subscription["prices"]] == [("ad_hoc", 777)]
    assert [price["price_amount"] for price in subscription["product"]["prices"]] == [2500]
