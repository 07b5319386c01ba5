"""Checkout under test, with the local Stripe in a process of its own."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from checkout.app import create_app
from checkout.settings import Settings
from checkout.worker import FLOWS
from contracts.catalog import Product, ProductCreatedV1, ProductUpdatedV1
from processor.testing import Sandbox, running
from servicekit import clock, ids
from servicekit.testing import ServiceUnderTest
from servicekit.testing.harness import Bus

from services.checkout.tests.support import WEBHOOK_SECRET, seller_told


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Started once."""
    with running(tmp_path_factory.mktemp("stripe")) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def service(sandbox_process: Sandbox) -> ServiceUnderTest:
    """Names checkout to the kit's plugin."""
    return ServiceUnderTest(
        name="checkout",
        root=Path(__file__).parents[1],
        create_app=create_app,
        settings=Settings,
        flows=FLOWS,
        environment={
            "stripe_secret_key": "sk_test_checkout",
            "stripe_publishable_key": "pk_test_checkout",
            "stripe_webhook_secret": WEBHOOK_SECRET,
            "stripe_api_base": sandbox_process.url,
            "public_url": "https://shop.example",
        },
        scopes=[
            "checkouts:read",
            "checkouts:write",
            "checkout_links:read",
            "checkout_links:write",
            "discounts:read",
            "discounts:write",
        ],
    )


@pytest.fixture
def sandbox(sandbox_process: Sandbox, database: Any) -> Sandbox:
    """The local Stripe, empty and well-behaved."""
    sandbox_process.post("/_sandbox/reset")
    return sandbox_process


Sell = Callable[..., Awaitable[Product]]


def product_shape(organization_id: UUID, **changes: Any) -> Product:
    """A product as catalog says it; `amount` and `currency` of its one price in minor units."""
    now, product_id = clock.now(), changes.pop("id", None) or ids.uuid7()
    price = {
        "id": changes.pop("price_id", None) or ids.uuid7(), "created_at": now, "modified_at": None,
        "source": "catalog", "amount_type": "fixed", "price_currency": changes.pop("currency", "usd"),
        "tax_behavior": None, "is_archived": False, "product_id": product_id,
        "price_amount": changes.pop("amount", 9900), **changes.pop("terms", {}),
    }  # fmt: skip
    interval = changes.pop("interval", "month")
    fields = {
        "id": product_id, "created_at": now, "modified_at": None, "trial_interval": None,
        "trial_interval_count": None, "name": "Pro Plan", "description": None, "visibility": "public",
        "recurring_interval": interval, "recurring_interval_count": 1 if interval else None,
        "meter_interval": None, "meter_interval_count": None, "is_recurring": interval is not None,
        "is_archived": False, "is_deletable": True, "organization_id": organization_id, "metadata": {},
        "prices": [price], "archived_prices": [], "benefits": [], "medias": [], "attached_custom_fields": [],
    }  # fmt: skip
    return Product.model_validate({**fields, **changes})


@pytest_asyncio.fixture
async def known_seller(bus: Bus, organization_id: UUID) -> None:
    """Checkout has heard of the seller, whom a buyer's look otherwise waits for."""
    await bus.deliver(seller_told(organization_id))


@pytest.fixture
def sell(bus: Bus, organization_id: UUID) -> Sell:
    """Puts a product on sale: tells checkout of it as catalog would. `sequence` above 1 is an update."""

    async def sell(sequence: int = 1, owner: UUID | None = None, **changes: Any) -> Product:
        data = product_shape(owner or organization_id, **changes)
        contract = ProductCreatedV1 if sequence == 1 else ProductUpdatedV1
        event = contract(subject=data.id, organization_id=data.organization_id, time=clock.now(), data=data)
        event.sequence = sequence
        await bus.deliver(event)
        return data

    return sell
