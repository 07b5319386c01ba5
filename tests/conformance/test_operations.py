"""The table of operations is the SDK's own."""

from typing import Any

from polar.v2026_10 import Polar

from tests.conformance.operations import OPERATIONS


def operations_of(service: Any, path: str = "") -> set[str]:
    """The dotted names of every call that a service, or one below it, sends."""
    found = set()
    for name, value in vars(service).items():
        if type(value).__module__.startswith("polar.v2026_10.services"):
            found |= operations_of(value, f"{path}{name}.")
    for name in dir(service):
        if path and not name.startswith(("_", "iter_", "from_")) and callable(getattr(service, name)):
            found.add(f"{path}{name}")
    return found


def test_the_table_lists_every_operation_of_the_sdk() -> None:
    with Polar("polar_oat_x", base_url="http://127.0.0.1:1") as polar:
        called = {name for name in operations_of(polar) if name.partition(".")[2]}
    assert called == set(OPERATIONS)
    assert len(OPERATIONS) == 190
