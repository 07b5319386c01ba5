"""A customer with a card, a subscription in the middle of its month, and products to change it to."""

from datetime import UTC, datetime, timedelta

import pytest
from billing.payments.timers import collect_due
from contracts.catalog import Product, ProductCreatedV1, ProductUpdatedV1
from contracts.checkout import Discount, DiscountCreatedV1
from contracts.identity import Organization, OrganizationCreatedV1
from servicekit import clock, ids
from servicekit.auth import Principal


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
