"""A customer with a card, a subscription in the middle of its month, and products to change it to."""

from datetime import UTC, datetime, timedelta

import pytest
from billing.orders.dunning import retry_due
from billing.payments.timers import collect_due
from billing.subscriptions.renewals import renew_due
from billing.subscriptions.timers import end_canceled_subscriptions, pause_subscriptions, resume_subscriptions
from contracts.catalog import Product, ProductCreatedV1, ProductUpdatedV1
from contracts.checkout import Discount, DiscountCreatedV1
from contracts.identity import Organization, OrganizationCreatedV1
from servicekit import clock, ids
from servicekit.auth import Principal
from servicekit.testing import signed_headers
from sqlalchemy import text


@pytest.fixture
def at_noon():
    """It is noon of the first of April 2026: a period of thirty days begins."""
    start = datetime(2026, 4, 1, 12, tzinfo=UTC)
    clock.move(start - clock.now())
    yield start
    clock.reset()


@pytest.fixture
def announced(bus, organization_id):
    """Has the catalog tell of a product."""

    async def announce(amount=2000, *, name="Big", known=None, kind=ProductCreatedV1, price=None, **changes):
        now = clock.now()
        product_id = known or ids.uuid7()
        owner = changes.pop("organization_id", organization_id)
        terms = {"amount_type": "fixed", "price_amount": amount} if price is None else price
        fields = {
            "id": ids.uuid7(), "created_at": now, "modified_at": None, "source": "catalog", "price_currency": "usd",
            "tax_behavior": None, "is_archived": False, "product_id": product_id, **terms,
        }  # fmt: skip
        product = {
            "id": product_id, "created_at": now, "modified_at": None, "trial_interval": None,
            "trial_interval_count": None, "name": name, "description": None, "visibility": "public",
            "recurring_interval": "month", "recurring_interval_count": 1, "meter_interval": None,
            "meter_interval_count": None, "is_recurring": True, "is_archived": False, "is_deletable": True,
            "organization_id": owner, "metadata": {}, "prices": [fields], "archived_prices": [], "benefits": [],
            "medias": [], "attached_custom_fields": [], **changes,
        }  # fmt: skip
        data = Product.model_validate(product)
        event = kind(subject=product_id, organization_id=owner, time=now, data=data)
        event.sequence = 1 if kind is not ProductUpdatedV1 else 2
        await bus.deliver(event)
        return data

    return announce


@pytest.fixture
def discounted(bus, organization_id):
    """Has checkout tell of a discount."""

    async def announce(**changes):
        now = clock.now()
        fields = {
            "id": ids.uuid7(), "created_at": now, "modified_at": None, "organization_id": organization_id,
            "metadata": {}, "name": "Off", "code": None, "type": "percentage", "duration": "forever",
            "duration_in_months": None, "basis_points": 5000, "amount": None, "currency": None, "amounts": None,
            "starts_at": None, "ends_at": None, "max_redemptions": None, "max_redemptions_per_customer": None,
            "redemptions_count": 0, "is_deleted": False, "products": [], **changes,
        }  # fmt: skip
        data = Discount.model_validate(fields)
        await bus.deliver(DiscountCreatedV1(subject=data.id, organization_id=organization_id, time=now, data=data))
        return data

    return announce


@pytest.fixture
def seller(bus, organization_id):
    """Billing hears of the organization, with these settings."""

    async def hear(**settings):
        data = Organization(
            id=organization_id, created_at=clock.now(), modified_at=None, name="Acme", slug="acme", avatar_url=None,
            email=None, website=None, **settings,
        )  # fmt: skip
        event = OrganizationCreatedV1(subject=data.id, organization_id=data.id, time=data.created_at, data=data)
        await bus.deliver(event)
        return data

    return hear


@pytest.fixture
async def bought(bus, purchased, sandbox, at_noon):
    """Buys a monthly subscription, at 5.00 unless told otherwise, and goes to noon of the second of its thirty days."""

    async def buy(amount=500, *, card="pm_card_visa", days=1, **changes):
        event = purchased(amount=amount, card=sandbox.card(card) if card else None, **changes)
        await bus.deliver(event)
        clock.move(at_noon + timedelta(days=days) - clock.now())
        return event.data

    return buy


@pytest.fixture
def collected(database, processor):
    """Charges what is due, as the worker does."""

    async def collect():
        return await collect_due(database.transaction, processor)

    return collect


@pytest.fixture
def principal_of():
    """The merchant, as the operations know them."""

    def principal(purchase):
        owner = purchase.organization_id
        return Principal("organization", owner, (owner,), frozenset({"subscriptions:write"}))

    return principal


@pytest.fixture
def stopped(monkeypatch):
    """Lets time stand still at an instant, as a test clock does."""

    def stop(instant):
        monkeypatch.setattr(clock, "wall", lambda: instant)

    return stop


@pytest.fixture
async def bought_at(bus, purchased, sandbox, stopped):
    """Buys a monthly subscription at an instant, at which time stands still."""

    async def buy(start, amount, *, card="pm_card_visa", **changes):
        stopped(start)
        event = purchased(amount=amount, card=sandbox.card(card) if card else None, **changes)
        await bus.deliver(event)
        return event.data

    return buy


@pytest.fixture
async def tried(bus, purchased, sandbox, stopped):
    """Begins a trial of two weeks at an instant, and stays there: its first order is of nothing."""

    async def begin(start, amount, *, card="pm_card_visa", **changes):
        stopped(start)
        setup = None
        if card:
            customer, method = sandbox.card(card)
            setup = {
                "processor": "stripe", "processor_customer_id": customer, "processor_payment_method_id": method,
                "method": "card", "method_metadata": {"brand": "visa", "last4": "4242"},
            }  # fmt: skip
        event = purchased(amount=amount, trial_end=start + timedelta(days=14), payment=None, setup=setup, **changes)
        await bus.deliver(event)
        return event.data

    return begin


@pytest.fixture
def gone_to(database, processor, stopped):
    """Time stands still at another instant, and everything that is due then is done."""

    async def go(instant):
        stopped(instant)
        timers = (end_canceled_subscriptions, pause_subscriptions, resume_subscriptions, renew_due, retry_due)
        while sum([await timer(database.transaction) for timer in timers]) + await collect_due(
            database.transaction, processor
        ):
            pass

    return go


@pytest.fixture
def patched(client):
    """Changes a subscription, as the seller or (`portal`) as its customer. Returns the response."""

    async def patch(purchase, *, portal=False, **body):
        given = {name: str(value) if name.endswith("_id") and value else value for name, value in body.items()}
        owner = purchase.organization_id
        if not portal:
            return await client.patch(f"/v1/subscriptions/{purchase.subscription_id}", json=given)
        own = signed_headers(owner, "customer_portal:write", customer_id=purchase.customer.id)
        path = f"/v1/customer-portal/subscriptions/{purchase.subscription_id}"
        return await client.patch(path, headers=own, json=given)

    return patch


@pytest.fixture
def listed(client):
    """The orders of a subscription, by their invoice numbers: the oldest first."""

    async def orders(purchase):
        params = {"subscription_id": str(purchase.subscription_id), "limit": 100}
        items = (await client.get("/v1/orders/", params=params)).json()["items"]
        return sorted(items, key=lambda order: int(order["invoice_number"].rpartition("-")[2]))

    return orders


@pytest.fixture
def held_entries(database):
    """How many billing entries wait, were taken by an order, and were dropped."""

    async def count():
        async with database.transaction() as session:
            statement = (
                "select count(*) filter (where order_id is null and dropped_at is null), "
                "count(*) filter (where order_id is not null), count(*) filter (where dropped_at is not null) "
                "from billing_entries"
            )
            return tuple((await session.execute(text(statement))).one())

    return count


@pytest.fixture
def credit(database):
    """The customers' balance, in minor units."""

    async def read():
        async with database.transaction() as session:
            return (await session.execute(text("select coalesce(sum(amount), 0) from customer_balances"))).scalar_one()

    return read
