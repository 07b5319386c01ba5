"""Catalog under test."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from catalog.app import create_app
from catalog.settings import Settings
from catalog.worker import FLOWS
from contracts.benefits import Benefit, BenefitCreatedV1, BenefitUpdatedV1
from contracts.billing import Order, OrderCreatedV1
from servicekit import clock, ids
from servicekit.testing import ServiceUnderTest


@pytest.fixture(scope="session")
def service() -> ServiceUnderTest:
    """Names catalog to the kit's plugin."""
    return ServiceUnderTest(
        name="catalog",
        root=Path(__file__).parents[1],
        create_app=create_app,
        settings=Settings,
        flows=FLOWS,
        environment={
            "files_url": f"file://{tempfile.mkdtemp(prefix='polar-files-')}",
            "public_url": "https://shop.example",
        },
        scopes=[
            "products:read",
            "products:write",
            "custom_fields:read",
            "custom_fields:write",
            "files:read",
            "files:write",
        ],
    )


@pytest.fixture
def benefit_event(organization_id: UUID) -> Callable[..., Any]:
    """Builds `benefit.created`, or `benefit.updated` with `sequence` above 1."""

    def build(benefit_id: UUID | None = None, sequence: int = 1, **changes: Any) -> Any:
        fields = {
            "id": benefit_id or ids.uuid7(), "created_at": clock.now(), "modified_at": None, "type": "custom",
            "description": "Support", "selectable": True, "deletable": True, "is_deleted": False,
            "organization_id": organization_id, "metadata": {}, "visibility": "public",
            "visibility_configurable": True, "properties": {"note": None},
        }  # fmt: skip
        data = Benefit.model_validate({**fields, **changes})
        contract = BenefitCreatedV1 if sequence == 1 else BenefitUpdatedV1
        event = contract(subject=data.id, organization_id=data.organization_id, time=clock.now(), data=data)
        event.sequence = sequence
        return event

    return build


@pytest.fixture
def order_of(organization_id: UUID) -> Callable[[str], OrderCreatedV1]:
    """Builds `order.created` for a product."""

    def build(product_id: str) -> OrderCreatedV1:
        now, customer_id = clock.now(), ids.uuid7()
        customer = {
            "id": customer_id, "created_at": now, "modified_at": None, "metadata": {}, "external_id": None,
            "email": "ada@example.com", "email_verified": False, "type": "individual", "name": None,
            "billing_name": None, "billing_address": None, "tax_id": None, "locale": None,
            "organization_id": organization_id, "deleted_at": None, "first_user_event_at": None, "avatar_url": None,
            "default_payment_method_id": None,
        }  # fmt: skip
        amounts = dict.fromkeys(
            ("subtotal_amount", "discount_amount", "net_amount", "tax_amount", "total_amount", "applied_balance_amount",
             "due_amount", "refunded_amount", "refunded_tax_amount", "refundable_amount", "refundable_tax_amount",
             "platform_fee_amount"), 0,
        )  # fmt: skip
        fields = {
            "id": ids.uuid7(), "created_at": now, "modified_at": None, "organization_id": organization_id,
            "status": "paid", "paid": True, **amounts, "platform_fee_currency": None, "currency": "usd",
            "billing_reason": "purchase", "billing_name": None, "billing_address": None, "invoice_number": "A-0001",
            "is_invoice_generated": False, "receipt_number": None, "seats": None, "units": None,
            "next_payment_attempt_at": None, "customer_id": customer_id, "product_id": product_id, "discount_id": None,
            "subscription_id": None, "checkout_id": None, "metadata": {}, "custom_field_data": {}, "description": "",
            "customer": customer, "product": None, "discount": None, "subscription": None, "items": [],
        }  # fmt: skip
        data = Order.model_validate(fields)
        return OrderCreatedV1(subject=data.id, organization_id=organization_id, time=now, sequence=1, data=data)

    return build
