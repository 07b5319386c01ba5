"""Billing under test."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from billing.app import create_app
from billing.settings import Settings
from billing.worker import FLOWS
from contracts.checkout import CheckoutSucceededV1, Purchase
from processor import StripeProcessor
from processor.testing import Sandbox, running
from servicekit import clock, ids
from servicekit.testing import ServiceUnderTest
from servicekit.testing.harness import SECRET


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The local Stripe, started once."""
    with running(tmp_path_factory.mktemp("stripe")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox, database: Any) -> Sandbox:
    """The local Stripe, empty and well-behaved."""
    sandbox_process.post("/_sandbox/reset")
    return sandbox_process


@pytest_asyncio.fixture
async def processor(sandbox: Sandbox, settings: Settings) -> AsyncIterator[StripeProcessor]:
    """A client of the local Stripe, as the worker has it."""
    client = StripeProcessor(settings)
    yield client
    await client.close()


@pytest.fixture(scope="session")
def service(sandbox_process: Sandbox) -> ServiceUnderTest:
    """Names billing to the kit's plugin."""
    return ServiceUnderTest(
        name="billing",
        root=Path(__file__).parents[1],
        create_app=create_app,
        settings=Settings,
        flows=FLOWS,
        environment={
            "stripe_secret_key": "sk_test_billing",
            "stripe_api_base": sandbox_process.url,
            "files_url": f"file://{tempfile.mkdtemp(prefix='polar-documents-')}",
        },
        scopes=[
            "customers:read", "customers:write", "members:read", "members:write", "orders:read", "orders:write",
            "payments:read", "subscriptions:read", "subscriptions:write", "refunds:read", "refunds:write",
            "disputes:read", "disputes:write", "metrics:read", "metrics:write",
        ],
    )  # fmt: skip


Purchased = Callable[..., CheckoutSucceededV1]


@pytest.fixture
def purchased(organization_id: UUID) -> Purchased:
    """Builds `checkout.succeeded`: a monthly product at 99.00 USD, unless told otherwise."""

    def build(**changes: Any) -> CheckoutSucceededV1:
        now = clock.now()
        owner = changes.pop("organization_id", organization_id)
        email = changes.pop("email", "ada@example.com")
        interval = changes.pop("interval", "month")
        amount, off, tax = changes.pop("amount", 9900), changes.pop("off", 0), changes.pop("tax", 0)
        customer = {
            "id": ids.derive(SECRET, str(owner), email.casefold()), "email": email, "name": "Ada", "billing_name": None,
            "billing_address": {"country": "US", "state": "US-CA"}, "tax_id": None, "external_id": None,
            "metadata": {}, **changes.pop("customer", {}),
        }  # fmt: skip
        product_id, price_id = changes.pop("product_id", None) or ids.uuid7(), ids.uuid7()
        price = {
            "id": price_id, "created_at": now, "modified_at": None, "source": "catalog", "amount_type": "fixed",
            "price_currency": "usd", "tax_behavior": None, "is_archived": False, "product_id": product_id,
            "price_amount": amount,
        }  # fmt: skip
        product = {
            "id": product_id, "created_at": now, "modified_at": None, "trial_interval": None,
            "trial_interval_count": None, "name": "Pro Plan", "description": None, "visibility": "public",
            "recurring_interval": interval, "recurring_interval_count": 1 if interval else None,
            "meter_interval": None, "meter_interval_count": None, "is_recurring": interval is not None,
            "is_archived": False, "is_deletable": True, "organization_id": owner, "metadata": {}, "prices": [price],
            "archived_prices": [], "benefits": [], "medias": [], "attached_custom_fields": [],
        }  # fmt: skip
        total = amount - off + tax
        card = changes.pop("card", None) or (f"cus_{owner.hex}", f"pm_{ids.uuid7().hex}")
        payment = {
            "id": ids.uuid7(), "processor": "stripe", "amount": total,
            "processor_id": changes.pop("processor_id", None) or f"pi_{ids.uuid7().hex}",
            "currency": "usd", "method": "card", "method_metadata": {"brand": "visa", "last4": "4242"},
            "processor_customer_id": card[0], "processor_payment_method_id": card[1],
        }  # fmt: skip
        fields = {
            "checkout_id": ids.uuid7(), "organization_id": owner, "order_id": ids.uuid7(),
            "subscription_id": ids.uuid7() if interval else None, "customer": customer, "product": product,
            "price": price, "discount": None, "currency": "usd", "amount": amount, "discount_amount": off,
            "net_amount": amount - off, "tax_amount": tax, "tax_behavior": None, "total_amount": total,
            "payment": payment if total else None, "metadata": {"source": "website"}, "custom_field_data": {},
            "confirmed_at": now - timedelta(seconds=1), "succeeded_at": now, **changes,
        }  # fmt: skip
        data = Purchase.model_validate(fields)
        return CheckoutSucceededV1(subject=data.checkout_id, organization_id=owner, time=now, data=data)

    return build
