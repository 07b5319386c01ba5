"""Previews: what they show is what is then billed, at once and at the end of the period; and they leave nothing."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from servicekit import ids
from servicekit.testing import signed_headers
from sqlalchemy import text

START = datetime(2026, 4, 1, 12, tzinfo=UTC)
AMOUNTS = (
    "currency", "subtotal_amount", "discount_amount", "net_amount", "tax_amount", "total_amount",
    "applied_balance_amount", "tax_behavior", "tax_breakdown",
)  # fmt: skip
LINE = ("label", "amount", "tax_amount", "proration", "start_timestamp", "end_timestamp")
TERMS = (
    "status", "product_id", "amount", "seats", "units", "discount_id", "current_period_start", "current_period_end",
    "cancel_at_period_end", "ends_at", "ended_at", "trial_end",
)  # fmt: skip


def seats_at(price):
    tiers = [{"min_seats": 1, "max_seats": 20, "price_per_seat": price}]
    terms = {"seat_tier_type": "volume", "tiers": tiers, "minimum_seats": 1, "maximum_seats": 20}
    return {"amount_type": "seat_based", "price_amount": None, "seat_tiers": terms}


def charge(order):
    """An order, or a preview of one, as they are compared."""
    if order is None:
        return None
    return {name: order[name] for name in AMOUNTS} | {"items": [{n: item[n] for n in LINE} for item in order["items"]]}


@pytest.fixture
async def everything(database):
    """Every row of every table, for a comparison."""

    async def read():
        async with database.transaction() as session:
            names = await session.execute(text("select tablename from pg_tables where schemaname = 'public'"))
            found = {}
            for name in names.scalars().all():
                rows = await session.execute(text(f'select md5(t::text) from "{name}" t order by 1'))
                found[name] = rows.scalars().all()
        return found

    return read


@pytest.fixture
def previewed(client, everything):
    """A preview; every table is as before it."""

    async def preview(purchase, *, portal=False, cancel=False, **body):
        before = await everything()
        path = f"subscriptions/{purchase.subscription_id}/{'cancel' if cancel else 'change'}-preview"
        own = signed_headers(purchase.organization_id, "customer_portal:read", customer_id=purchase.customer.id)
        asked = {"headers": own} if portal else {}
        address = f"/v1/{'customer-portal/' if portal else ''}{path}"
        given = {name: str(value) if name.endswith("_id") and value else value for name, value in body.items()}
        answer = await (client.get(address, **asked) if cancel else client.post(address, json=given, **asked))
        assert await everything() == before
        return answer

    return preview


@pytest.fixture
def holds(client, previewed, patched, listed, gone_to):
    """Previews a change, makes it, and goes to the end of the period: what was shown is what was billed."""

    async def hold(purchase, **body):
        known = len(await listed(purchase))
        shown = await previewed(purchase, **body)
        assert shown.status_code == 200, shown.text
        shown = shown.json()
        made = await patched(purchase, **body)
        assert made.status_code == 200, made.text
        assert {name: shown[name] for name in TERMS} == {name: made.json()[name] for name in TERMS}
        assert (shown["pending_update"] is None) == (made.json()["pending_update"] is None)
        now = (await listed(purchase))[known:]
        assert [charge(order) for order in now] == [one for one in [charge(shown["charge_now"])] if one]
        if shown["next_charge_at"] is None:
            return shown
        known += len(now)
        await gone_to(datetime.fromisoformat(shown["next_charge_at"]))
        then = (await listed(purchase))[known:]
        assert [charge(order) for order in then] == [one for one in [charge(shown["next_charge"])] if one]
        return shown

    return hold


MODES = ["invoice", "prorate", "next_period", "reset", None]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("amount", "interval"), [(2000, "month"), (300, "month"), (9000, "year")])
async def test_another_product(holds, bought_at, announced, gone_to, stopped, seller, mode, amount, interval):
    await seller()
    purchase = await bought_at(START, 500)
    product = await announced(amount, recurring_interval=interval)
    stopped(START + timedelta(days=11, hours=7))
    shown = await holds(purchase, product_id=product.id, **({"proration_behavior": mode} if mode else {}))
    assert shown["next_charge"] is not None
    is_at_once = mode in ("invoice", "reset") or (interval == "year" and mode != "next_period")
    assert (shown["charge_now"] is not None) == is_at_once


@pytest.mark.parametrize(
    ("mode", "terms"),
    itertools.product(
        ["invoice", "prorate", "next_period"],
        [
            {"basis_points": 2500},
            {"basis_points": 5000, "duration": "once"},
            {"basis_points": 3333, "duration": "repeating", "duration_in_months": 2},
            {"type": "fixed", "basis_points": None, "amount": 150, "currency": "usd", "amounts": {"usd": 150}},
        ],
    ),
)
async def test_with_a_discount(holds, bought_at, announced, discounted, stopped, seller, mode, terms):
    await seller()
    discount = await discounted(**terms)
    purchase = await bought_at(START, 500)
    product = await announced(2000)
    stopped(START + timedelta(days=3))
    await holds(purchase, product_id=product.id, proration_behavior=mode, discount_id=discount.id)


@pytest.fixture
async def team(bought_at, purchased, seller):
    """Five seats at 15.00."""
    await seller()
    template = purchased(amount=7500).data
    price = {**template.price.model_dump(), **seats_at(1500)}
    product = {**template.product.model_dump(), "prices": [price]}
    return await bought_at(START, 7500, price=price, product=product, seats=5)


@pytest.mark.parametrize(("mode", "seats"), itertools.product(["invoice", "prorate", "next_period"], [2, 9]))
@pytest.mark.parametrize("waits", [None, 7, "product"])
async def test_seats_beside_a_change_that_waits(holds, team, announced, patched, stopped, mode, seats, waits):
    stopped(START + timedelta(days=5))
    if waits is not None:
        body = {"seats": 7} if waits == 7 else {"product_id": (await announced(price=seats_at(1000))).id}
        assert (await patched(team, proration_behavior="next_period", **body)).status_code == 200
    stopped(START + timedelta(days=12, minutes=1))
    shown = await holds(team, seats=seats, proration_behavior=mode)
    assert shown["seats"] == (5 if mode == "next_period" else seats)


@pytest.mark.parametrize("behavior", ["exclusive", "inclusive"])
@pytest.mark.parametrize(("mode", "amount"), itertools.product(["invoice", "prorate", "next_period"], [1500, 30_000]))
async def test_with_tax(holds, bus, purchased, announced, seller, sandbox, stopped, behavior, mode, amount):
    """A French seller, and a consumer in Germany."""
    stopped(START)
    await seller(country="FR")
    template = purchased(amount=11_900).data
    price = {**template.price.model_dump(), "price_currency": "eur"}
    product = {**template.product.model_dump(), "prices": [price]}
    tax = 1900 if behavior == "inclusive" else 2261
    net = 11_900 - (tax if behavior == "inclusive" else 0)
    breakdown = [{
        "amount": tax, "taxable_amount": net, "taxability_reason": "standard_rated", "rate": "19",
        "display_name": "VAT", "country": "DE", "state": None,
    }]  # fmt: skip
    customer, method = sandbox.card("pm_card_visa")
    payment = template.payment.model_dump() | {
        "amount": net + tax, "currency": "eur", "processor_customer_id": customer,
        "processor_payment_method_id": method,
    }  # fmt: skip
    event = purchased(
        amount=11_900, tax=tax, currency="eur", price=price, product=product, payment=payment,
        customer={"billing_address": {"country": "DE"}}, tax_behavior=behavior, tax_breakdown=breakdown,
        net_amount=net, total_amount=net + tax,
    )  # fmt: skip
    await bus.deliver(event)
    other = await announced(price={"amount_type": "fixed", "price_amount": amount, "price_currency": "eur"})
    stopped(START + timedelta(days=10, seconds=17))
    shown = await holds(event.data, product_id=other.id, proration_behavior=mode)
    assert shown["next_charge"]["tax_breakdown"][0]["rate"] == "19"


async def test_credit_of_the_customer_is_used(holds, bought_at, announced, patched, stopped, seller, client):
    await seller()
    purchase = await bought_at(START, 10_000)
    stopped(START + timedelta(days=10))
    cheap = await announced(500)
    assert (await patched(purchase, product_id=cheap.id, proration_behavior="invoice")).status_code == 200
    shown = await holds(purchase, product_id=(await announced(3000)).id, proration_behavior="invoice")
    assert shown["charge_now"]["applied_balance_amount"] < 0
    assert shown["charge_now"]["due_amount"] == 0


@pytest.mark.parametrize("product", [False, True])
async def test_the_end_of_a_trial(holds, tried, announced, stopped, seller, product):
    await seller()
    purchase = await tried(START, 900)
    stopped(START + timedelta(days=3))
    body = {"product_id": (await announced(2000)).id} if product else {"trial_end": "now"}
    shown = await holds(purchase, **body)
    assert shown["charge_now"]["total_amount"] == (2000 if product else 900)
    assert shown["status"] == "active"


async def test_a_trial_that_goes_on_is_charged_at_its_end(holds, tried, stopped, seller):
    await seller()
    purchase = await tried(START, 900)
    shown = await holds(purchase, metadata={"a": "b"})
    assert (shown["charge_now"], shown["next_charge"]["due_amount"]) == (None, 900)
    assert datetime.fromisoformat(shown["next_charge_at"]) == START + timedelta(days=14)


@pytest.mark.parametrize("wish", [{"cancel_at_period_end": True}, {"pause_at_period_end": True}])
async def test_the_last_order_of_what_waits(holds, bought_at, announced, patched, stopped, seller, previewed, wish):
    await seller()
    purchase = await bought_at(START, 500)
    stopped(START + timedelta(days=10))
    dear = await announced(2000)
    assert (await patched(purchase, product_id=dear.id, proration_behavior="prorate")).status_code == 200
    if "cancel_at_period_end" in wish:
        canceled = (await previewed(purchase, cancel=True)).json()
        changed = (await previewed(purchase, **wish)).json()
        assert canceled == changed
        assert (await previewed(purchase, cancel=True, portal=True)).json() == canceled
    shown = await holds(purchase, **wish)
    assert shown["next_charge"]["total_amount"] == 1000


async def test_what_is_canceled_already_is_previewed_too(previewed, bought_at, patched, seller):
    await seller()
    purchase = await bought_at(START, 500)
    before = (await previewed(purchase, cancel=True)).json()
    assert (before["cancel_at_period_end"], before["next_charge"]) == (True, None)
    assert (await patched(purchase, cancel_at_period_end=True)).status_code == 200
    assert (await previewed(purchase, cancel=True)).json() == before


async def test_an_end_at_once_leaves_nothing_to_charge(holds, bought_at, seller):
    await seller()
    shown = await holds(await bought_at(START, 500), revoke=True)
    assert (shown["charge_now"], shown["next_charge"], shown["next_charge_at"]) == (None, None, None)
    assert shown["status"] == "canceled"


async def test_refusals_are_those_of_the_change(previewed, patched, bought_at, announced, seller, stranger):
    await seller(customer_portal_settings={"subscription": {"update_plan": False}})
    purchase = await bought_at(START, 500, card="pm_card_visa")
    product = await announced(2000)
    for portal, body in (
        (True, {"product_id": product.id}),
        (False, {"product_id": ids.uuid7()}),
        (False, {"seats": 3}),
        (False, {"seats": 3, "revoke": True}),
        (False, {"product_id": product.id, "proration_behavior": "later"}),
    ):
        refused, made = await previewed(purchase, portal=portal, **body), await patched(purchase, portal=portal, **body)
        assert refused.status_code == made.status_code >= 400
        assert refused.json() == made.json()
    path = f"/v1/subscriptions/{purchase.subscription_id}"
    assert (await stranger.post(f"{path}/change-preview", json={"revoke": True})).status_code == 404
    assert (await stranger.get(f"{path}/cancel-preview")).status_code == 404
