"""Checkouts as they are told of, in any order and more than once, and how many became a purchase."""

from itertools import permutations

import pytest
from billing.checkouts.models import Checkout
from contracts.checkout import Checkout as Told
from contracts.checkout import CheckoutCreatedV1, CheckoutExpiredV1, CheckoutUpdatedV1
from servicekit import clock, ids
from sqlalchemy import select


@pytest.fixture
def told(purchased):
    """What is said of one checkout, opened at noon on 1 February, until it is bought."""

    def tell():
        bought = purchased()
        purchase = bought.data
        purchase.created_at = clock.now().replace(2026, 2, 1, 12, 0, 0, 0)
        nothing = dict.fromkeys(Told.model_fields)
        fields = {
            **nothing, "id": purchase.checkout_id, "created_at": purchase.created_at, "status": "open",
            "payment_processor": "stripe", "client_secret": "polar_c_x", "url": "https://example.com",
            "expires_at": purchase.created_at, "success_url": "https://example.com", "amount": 9900,
            "discount_amount": 0, "net_amount": 9900, "total_amount": 9900, "currency": "usd",
            "organization_id": purchase.organization_id, "product_id": purchase.product.id,
            "payment_processor_metadata": {}, "billing_address_fields": {}, "customer_metadata": {}, "metadata": {},
            "custom_field_data": {}, "product": purchase.product, "products": [purchase.product],
            **{name: True for name, field in Told.model_fields.items() if field.annotation is bool},
        }  # fmt: skip
        said = [(CheckoutCreatedV1, fields), (CheckoutUpdatedV1, {**fields, "status": "confirmed"})]
        said += [(CheckoutUpdatedV1, {**fields, "status": "succeeded", "customer_id": purchase.customer.id})]
        events = [
            kind(
                subject=purchase.checkout_id,
                organization_id=purchase.organization_id,
                time=clock.now(),
                data=Told.model_validate(data),
                sequence=number,
                id=ids.uuid7(),
            )
            for number, (kind, data) in enumerate(said, 1)
        ]
        bought.sequence, bought.id = 4, ids.uuid7()
        return [*events, bought]

    return tell


async def counted(ask):
    totals = (await ask("2026-02-01", "day", "checkouts", "succeeded_checkouts", "checkouts_conversion"))["totals"]
    return tuple(totals.values())


async def test_a_checkout_counts_when_it_was_opened_and_succeeds_later(bus, told, ask):
    created, updated, succeeded, bought = told()
    await bus.deliver(created)
    assert await counted(ask) == (1, 0, 0)
    await bus.deliver(*told()[:1])
    await bus.deliver(updated, succeeded)
    assert await counted(ask) == (2, 1, 0.5)
    await bus.deliver(bought)
    assert await counted(ask) == (2, 1, 0.5)


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_any_order_and_twice_comes_to_the_same(bus, told, ask, database, order):
    events = told()
    for number in (*order, *order):
        await bus.deliver(events[number])
    assert await counted(ask) == (1, 1, 1)
    async with database.transaction() as session:
        (kept,) = (await session.execute(select(Checkout))).scalars()
    assert (kept.sequence, kept.is_succeeded, kept.is_recurring) == (4, True, True)
    assert kept.customer_id == events[-1].data.customer.id
    assert kept.created_at == events[0].data.created_at


async def test_those_that_expired_count_as_opened(bus, told, ask):
    created, *_ = told()
    fields = {**created.data.model_dump(), "status": "expired"}
    expired = CheckoutExpiredV1(
        subject=created.subject, organization_id=created.organization_id, time=created.time, data=fields, sequence=2,
        id=ids.uuid7(),
    )  # fmt: skip
    await bus.deliver(created, expired)
    assert await counted(ask) == (1, 0, 0)


async def test_an_older_release_does_not_say_when_it_was_opened(bus, told, ask):
    bought = told()[-1]
    bought.data.created_at = None
    bought.data.confirmed_at = bought.data.confirmed_at.replace(2026, 2, 1)
    await bus.deliver(bought)
    assert await counted(ask) == (1, 1, 1)
