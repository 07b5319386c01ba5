"""Organizations."""

from typing import Any

import pytest
from polar.v2026_10 import Polar

operation = pytest.mark.operation


@operation("organizations.list")
def test_list_organizations(polar: Polar, organization: dict[str, str]) -> None:
    assert [one.id for one in polar.organizations.list().items] == [organization["organization_id"]]


@operation("organizations.get")
def test_get_an_organization(polar: Polar, organization: dict[str, str]) -> None:
    assert polar.organizations.get(organization["organization_id"]).name == "Conformance"


@operation("organizations.update")
def test_update_an_organization(polar: Polar, organization: dict[str, Any]) -> None:
    changed = polar.organizations.update(organization["organization_id"], website="https://example.com")
    assert changed.website.rstrip("/") == "https://example.com"
