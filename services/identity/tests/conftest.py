"""Identity under test."""

from pathlib import Path

import pytest
from identity.app import create_app
from identity.settings import Settings
from identity.worker import FLOWS
from servicekit.testing import ServiceUnderTest
from servicekit.testing.harness import PRIVATE_KEY


@pytest.fixture(scope="session")
def service() -> ServiceUnderTest:
    """Names identity to the kit's plugin."""
    return ServiceUnderTest(
        name="identity",
        root=Path(__file__).parents[1],
        create_app=create_app,
        settings=Settings,
        flows=FLOWS,
        environment={"principal_private_key": PRIVATE_KEY},
        scopes=[
            "organizations:read",
            "organizations:write",
            "organization_access_tokens:write",
            "customer_sessions:write",
        ],
    )
