"""Metering under test."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from contracts.billing import Customer, CustomerCreatedV1
from metering.app import create_app
from metering.settings import Settings
from metering.worker import FLOWS
from servicekit import clock, ids
from servicekit.testing import ServiceUnderTest
from servicekit.testing.harness import Bus


@pytest.fixture(scope="session")
def service() -> ServiceUnderTest:
    """Names metering to the kit's plugin."""
    return ServiceUnderTest(
        name="metering",
        root=Path(__file__).parents[1],
        create_app=create_app,
        settings=Settings,
        flows=FLOWS,
        scopes=["events:read", "events:write", "meters:read", "meters:write"],
    )


Introduce = Callable[..., Awaitable[Customer]]


@pytest.fixture
def introduce(bus: Bus, organization_id: UUID) -> Introduce:
    """Tells metering of a customer as billing would."""

    async def introduce(external_id: str | None = None, **changes: Any) -> Customer:
        now = clock.now()
        fields = {
            "id": ids.uuid7(), "created_at": now, "modified_at": None, "metadata": {}, "external_id": external_id,
            "email": f"{ids.uuid7().hex}@example.com", "email_verified": False, "type": "individual", "name": "Ada",
            "billing_name": None, "billing_address": None, "tax_id": None, "locale": None,
            "organization_id": organization_id, "deleted_at": None, "first_user_event_at": None, "avatar_url": None,
            "default_payment_method_id": None, **changes,
        }  # fmt: skip
        data = Customer.model_validate(fields)
        owner = data.organization_id
        await bus.deliver(CustomerCreatedV1(subject=data.id, organization_id=owner, time=now, sequence=1, data=data))
        return data

    return introduce
