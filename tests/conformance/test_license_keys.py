"""License keys, from the merchant's side and from the machine that is to be licensed."""

from collections.abc import Callable
from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import NotPermitted, ResourceNotFound

UNKNOWN = "00000000-0000-4000-8000-000000000000"
operation = pytest.mark.operation


@pytest.fixture(scope="module")
def license_key(buy: Callable[[], Any]) -> Any:
    """A key with two activations."""
    return buy().license_key


@operation("license_keys.list")
def test_list_license_keys(polar: Polar, benefit: Any, license_key: Any) -> None:
    assert license_key.id in [one.id for one in polar.license_keys.iter_list(benefit_id=benefit.id)]


@operation("license_keys.get")
def test_get_a_license_key(polar: Polar, license_key: Any) -> None:
    found = polar.license_keys.get(license_key.id)
    assert found.key.startswith("SDK")
    with pytest.raises(ResourceNotFound):
        polar.license_keys.get(UNKNOWN)


@operation("license_keys.update")
def test_update_a_license_key(polar: Polar, buy: Callable[[], Any]) -> None:
    key = buy().license_key
    assert polar.license_keys.update(key.id, status="disabled", usage=3).status == "disabled"


@operation("license_keys.rotate")
def test_rotate_a_license_key(polar: Polar, buy: Callable[[], Any]) -> None:
    key = buy().license_key
    assert polar.license_keys.rotate(key.id).key != key.key


@operation("license_keys.validate")
def test_validate_a_license_key(polar: Polar, license_key: Any) -> None:
    valid = polar.license_keys.validate(key=license_key.key, organization_id=license_key.organization_id)
    assert valid.id == license_key.id
    with pytest.raises(ResourceNotFound):
        polar.license_keys.validate(key="SDK-UNKNOWN", organization_id=license_key.organization_id)


@operation("license_keys.activate")
def test_activate_a_license_key(polar: Polar, buy: Callable[[], Any]) -> None:
    key = buy().license_key
    about = {"key": key.key, "organization_id": key.organization_id}
    assert polar.license_keys.activate(**about, label="one").license_key.id == key.id
    polar.license_keys.activate(**about, label="two")
    with pytest.raises(NotPermitted):
        polar.license_keys.activate(**about, label="three")


@operation("license_keys.get_activation")
def test_get_an_activation(polar: Polar, license_key: Any) -> None:
    about = {"key": license_key.key, "organization_id": license_key.organization_id}
    activation = polar.license_keys.activate(**about, label="seen")
    found = polar.license_keys.get_activation(license_key.id, activation.id)
    assert found.label == "seen"
    polar.license_keys.deactivate(**about, activation_id=activation.id)


@operation("license_keys.deactivate")
def test_deactivate_a_license_key(polar: Polar, license_key: Any) -> None:
    about = {"key": license_key.key, "organization_id": license_key.organization_id}
    activation = polar.license_keys.activate(**about, label="gone")
    polar.license_keys.deactivate(**about, activation_id=activation.id)
    with pytest.raises(ResourceNotFound):
        polar.license_keys.get_activation(license_key.id, activation.id)


@pytest.fixture
def about(license_key: Any) -> dict[str, str]:
    """What a machine knows."""
    return {"key": license_key.key, "organization_id": license_key.organization_id}


@operation("customer_portal.license_keys.validate")
def test_a_machine_validates(polar: Polar, about: dict[str, str], license_key: Any) -> None:
    assert polar.customer_portal.license_keys.validate(**about).id == license_key.id


@operation("customer_portal.license_keys.activate")
def test_a_machine_activates(polar: Polar, about: dict[str, str]) -> None:
    activation = polar.customer_portal.license_keys.activate(**about, label="machine")
    assert activation.label == "machine"
    polar.customer_portal.license_keys.deactivate(**about, activation_id=activation.id)


@operation("customer_portal.license_keys.deactivate")
def test_a_machine_deactivates(polar: Polar, about: dict[str, str]) -> None:
    activation = polar.customer_portal.license_keys.activate(**about, label="machine")
    polar.customer_portal.license_keys.deactivate(**about, activation_id=activation.id)
    with pytest.raises(ResourceNotFound):
        polar.customer_portal.license_keys.deactivate(**about, activation_id=activation.id)
