"""Billing in this process, for the model's driver."""

import os
import tempfile
from pathlib import Path

import pytest
from billing.app import create_app
from billing.settings import Settings
from billing.worker import FLOWS
from servicekit.testing import ServiceUnderTest


@pytest.fixture(scope="session")
def service() -> ServiceUnderTest:
    """Names billing to the kit's plugin. Stripe is answered in this process."""
    return ServiceUnderTest(
        name="billing",
        root=Path(__file__).parents[2] / "services" / "billing",
        create_app=create_app,
        settings=Settings,
        flows=FLOWS,
        environment={
            "stripe_secret_key": "sk_test_model",
            "stripe_api_base": "http://127.0.0.1:1",
            "log_level": os.environ.get("POLAR_MODEL_LOG_LEVEL", "WARNING"),
            "files_url": f"file://{tempfile.mkdtemp(prefix='polar-documents-')}",
        },
    )
