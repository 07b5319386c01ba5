"""The published SDK against the running gateway: one test for each of its operations, and a count of those that pass.

`./polar test conformance` starts the stack. A test names its operation with the marker `operation`; a response that the
SDK cannot load fails it.
"""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import PolarClientError
from polar_cli.testing import stack_of_tests

from tests.conformance.operations import OPERATIONS

PATIENCE_SECONDS = 60.0
_outcomes: dict[str, bool] = {}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "operation(name): the SDK's operation that this test calls")


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    marker = item.get_closest_marker("operation")
    if marker is not None and (call.when == "call" or call.excinfo is not None):
        name = marker.args[0]
        _outcomes[name] = _outcomes.get(name, True) and call.excinfo is None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    passed = sorted(name for name, is_passed in _outcomes.items() if is_passed)
    if not _outcomes:
        return
    groups: dict[str, list[str]] = {}
    for name in OPERATIONS:
        groups.setdefault(name.rpartition(".")[0], []).append(name)
    width = max(map(len, groups))
    for group, names in groups.items():
        missing = [name.rpartition(".")[2] for name in names if name not in passed]
        rest = f"  not built: {', '.join(missing)}" if missing else ""
        terminalreporter.write_line(f"{group:<{width}}  {len(names) - len(missing):>2} of {len(names):>2}{rest}")
    terminalreporter.write_line(f"conformance: {len(passed)} of {len(OPERATIONS)} operations")


def needed(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} is not set: run `./polar test conformance`", pytrace=False)
    return value


@pytest.fixture(scope="session")
def organization() -> dict[str, str]:
    """An organization of this run's own: `organization_id` and `access_token`."""
    stack = stack_of_tests(needed("POLAR_TEST_STACK"))
    return stack.create_organization("Conformance", f"conformance-{os.urandom(4).hex()}")


@pytest.fixture(scope="session")
def polar(organization: dict[str, str]) -> Iterator[Polar]:
    """The SDK as a merchant uses it: another base URL and nothing else."""
    with Polar(organization["access_token"], base_url=needed("POLAR_API_URL"), timeout=60.0) as client:
        yield client


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """Asks until what is asked for is there: other services learn of it a moment later."""

    def ask(question: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                found = question()
            except PolarClientError:
                found = None
                if time.monotonic() > deadline:
                    raise
            if found:
                return found
            assert time.monotonic() < deadline, "it did not come"
            time.sleep(0.05)

    return ask


@pytest.fixture(scope="session")
def benefit(polar: Polar) -> Any:
    """License keys with two activations."""
    return polar.benefits.create(
        type="license_keys", description="License", properties={"prefix": "SDK", "activations": {"limit": 2}}
    )


@pytest.fixture(scope="session")
def product(polar: Polar, benefit: Any) -> Any:
    """A monthly subscription that gives the benefit."""
    made = polar.products.create(
        name="Pro",
        description="All of it",
        recurring_interval="month",
        prices=[{"amount_type": "fixed", "price_amount": 2900, "price_currency": "usd"}],
        metadata={"tier": "pro"},
    )
    return polar.products.update_benefits(made.id, benefits=[benefit.id])


class Purchase:
    """One purchase of the product, with everything that came of it."""

    def __init__(self, polar: Polar, product: Any, until: Callable[..., Any], email: str) -> None:
        self.email = email
        checkout = polar.checkouts.create(products=[product.id], customer_email=email, metadata={"source": "sdk"})
        self.confirmed = polar.checkouts.client_confirm(
            checkout.client_secret, confirmation_token_id="pm_card_visa", customer_billing_address={"country": "DE"}
        )
        self.checkout = until(lambda: _succeeded(polar, checkout.id))
        (self.order,) = until(lambda: polar.orders.list(checkout_id=checkout.id).items)
        self.subscription = until(lambda: polar.subscriptions.get(self.order.subscription_id))
        self.customer = polar.customers.get(self.order.customer_id)
        grants = until(lambda: polar.benefit_grants.list(customer_id=self.customer.id, is_granted=True).items)
        self.grant = grants[0]
        keys = until(lambda: polar.license_keys.list().items)
        self.license_key = next(key for key in keys if key.customer_id == self.customer.id)


def _succeeded(polar: Polar, checkout_id: str) -> Any:
    checkout = polar.checkouts.get(checkout_id)
    return checkout if checkout.status == "succeeded" else None


@pytest.fixture(scope="session")
def buy(polar: Polar, product: Any, until: Callable[..., Any]) -> Callable[[], Purchase]:
    """Sells the product once more, to a buyer of its own."""
    return lambda: Purchase(polar, product, until, f"buyer-{os.urandom(4).hex()}@example.com")


@pytest.fixture(scope="session")
def purchase(buy: Callable[[], Purchase]) -> Purchase:
    """One purchase that the tests look at and do not change."""
    return buy()
