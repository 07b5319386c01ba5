"""The benefits service under test."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from benefits.app import create_app
from benefits.settings import Settings
from benefits.worker import FLOWS
from servicekit.testing import ServiceUnderTest

from services.benefits.tests.support import Story


@pytest.fixture(scope="session")
def service() -> ServiceUnderTest:
    """Names the service to the kit's plugin."""
    return ServiceUnderTest(
        name="benefits",
        root=Path(__file__).parents[1],
        create_app=create_app,
        settings=Settings,
        flows=FLOWS,
        scopes=["benefits:read", "benefits:write", "license_keys:read", "license_keys:write"],
    )


@pytest.fixture
def story(client: Any, bus: Any, organization_id: UUID) -> Story:
    """What other services tell of one organization."""
    return Story(client, bus, organization_id)
