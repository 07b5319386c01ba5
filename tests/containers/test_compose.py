"""What the end-to-end tests ask of processes, asked of containers, and what containers alone can show."""

import json
import subprocess
from typing import Any

import pytest
from polar_cli.compose import ComposedStack
from polar_cli.state import SERVICES

from tests.end_to_end.test_documented_requests import (  # noqa: F401  (tests are found by their names in this module)
    real,
    test_the_documented_command,
)
from tests.end_to_end.test_purchases import (  # noqa: F401
    test_a_declined_card,
    test_a_discount_for_ten_and_a_hundred_buyers,
    test_a_repeated_idempotency_key,
    test_a_subscription_is_sold,
    test_one_confirm_sent_twenty_times,
    test_two_checkouts_of_one_new_buyer,
)
from tests.end_to_end.test_tenants import (  # noqa: F401
    owned,
    stranger_in_portal,
    test_every_route_of_the_document,
    test_lists_of_another_organization_are_empty,
)


def inspected(container: str) -> dict[str, Any]:
    done = subprocess.run(
        ["docker", "inspect", f"polar-containers-{container}-1"], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)[0]
    return found


@pytest.mark.parametrize("kind", ["api", "worker", "migrate"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_container_can_do_little(service: str, kind: str) -> None:
    found = inspected(f"{service}-{kind}")
    assert found["Config"]["User"] == "10001"
    host = found["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert not host["Privileged"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_no_other_service(service: str) -> None:
    listing = "import pkgutil; print(*(module.name for module in pkgutil.iter_modules()))"
    command = ["docker", "run", "--rm", "--network", "none", f"polar-{service}", "python", "-c", listing]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {*SERVICES} & {*done.stdout.split()} == {service}


def test_the_books_are_right(stack: ComposedStack) -> None:
    assert stack.audit("") == 0
