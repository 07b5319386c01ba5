"""The whole of the API against its own document: `./polar test schema` starts the stack."""

import os
from typing import Any

import pytest
from polar_cli.stack import Stack
from polar_cli.testing import stack_of_tests

counts: dict[str, int] = {}
"""How many cases were tried, by service."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for service, count in counts.items():
        terminalreporter.write_line(f"schema: {service}: {count} cases")


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The running stack of the tests."""
    name = os.environ.get("POLAR_TEST_STACK")
    if not name:
        pytest.fail("POLAR_TEST_STACK is not set: run `./polar test schema`", pytrace=False)
    return stack_of_tests(name)
