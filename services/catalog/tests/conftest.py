"""Catalog under test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from catalog.app import create_app
from catalog.settings import Settings
from catalog.worker import FLOWS
from contracts.benefits import Benefit, BenefitCreatedV1, BenefitUpdatedV1
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
        scopes=["products:read", "products:write"],
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
