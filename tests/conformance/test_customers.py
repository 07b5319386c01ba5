"""Customers, and their twins by the merchant's own id."""

import os
from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import ResourceNotFound

UNKNOWN = "00000000-0000-4000-8000-000000000000"
operation = pytest.mark.operation


@pytest.fixture
def customer(polar: Polar) -> Any:
    """A customer with an id of the merchant's own."""
    number = os.urandom(4).hex()
    return polar.customers.create(email=f"c{number}@example.com", name="Ada", external_id=f"user-{number}")


@operation("customers.create")
def test_create_a_customer(polar: Polar) -> None:
    made = polar.customers.create(
        email=f"new-{os.urandom(4).hex()}@example.com", billing_address={"country": "DE"}, metadata={"plan": "x"}
    )
    assert (made.type, made.billing_address.country, made.metadata) == ("individual", "DE", {"plan": "x"})


@operation("customers.list")
def test_list_customers(polar: Polar, customer: Any) -> None:
    assert [one.id for one in polar.customers.list(email=customer.email).items] == [customer.id]


@operation("customers.get")
def test_get_a_customer(polar: Polar, customer: Any) -> None:
    assert polar.customers.get(customer.id).email == customer.email
    with pytest.raises(ResourceNotFound):
        polar.customers.get(UNKNOWN)


@operation("customers.update")
def test_update_a_customer(polar: Polar, customer: Any) -> None:
    assert polar.customers.update(customer.id, name="Grace").name == "Grace"


@operation("customers.delete")
def test_delete_a_customer(polar: Polar, customer: Any) -> None:
    polar.customers.delete(customer.id)
    with pytest.raises(ResourceNotFound):
        polar.customers.get(customer.id)


@operation("customers.get_external")
def test_get_a_customer_by_the_merchants_id(polar: Polar, customer: Any) -> None:
    assert polar.customers.get_external(customer.external_id).id == customer.id


@operation("customers.update_external")
def test_update_a_customer_by_the_merchants_id(polar: Polar, customer: Any) -> None:
    assert polar.customers.update_external(customer.external_id, name="Joan").name == "Joan"


@operation("customers.delete_external")
def test_delete_a_customer_by_the_merchants_id(polar: Polar, customer: Any) -> None:
    polar.customers.delete_external(customer.external_id)
    with pytest.raises(ResourceNotFound):
        polar.customers.get_external(customer.external_id)


@operation("customers.export")
def test_export_customers(polar: Polar, customer: Any) -> None:
    header, *lines = polar.customers.export().splitlines()
    assert header.startswith("ID,External ID,Created At,Email,Name,Tax ID,Billing Address Line 1")
    assert any(line.startswith(f"{customer.id},{customer.external_id}") for line in lines)


@operation("customers.get_state")
def test_a_customers_state(polar: Polar, customer: Any) -> None:
    # The SDK cannot load the state of a customer with an active subscription.
    assert polar.customers.get_state(customer.id).granted_benefits == []


@operation("customers.get_state_external")
def test_a_customers_state_by_the_merchants_id(polar: Polar, customer: Any) -> None:
    assert polar.customers.get_state_external(customer.external_id).id == customer.id


@pytest.fixture(scope="module")
def team(polar: Polar) -> Any:
    """A customer that is a team."""
    name = os.urandom(4).hex()
    return polar.customers.create(type="team", email=f"{name}@example.com", external_id=f"team-{name}")


@pytest.fixture
def member(polar: Polar, team: Any) -> Any:
    """One more member of the team."""
    name = os.urandom(4).hex()
    return polar.customers.members.create(team.id, email=f"{name}@example.com", external_id=name, role="member")


@operation("customers.members.create")
def test_add_a_member(member: Any, team: Any) -> None:
    assert (member.customer_id, member.role) == (team.id, "member")


@operation("customers.members.list")
def test_list_members(polar: Polar, team: Any, member: Any) -> None:
    assert member.id in [one.id for one in polar.customers.members.list(team.id, role="member", limit=100).items]


@operation("customers.members.get")
def test_get_a_member(polar: Polar, team: Any, member: Any) -> None:
    assert polar.customers.members.get(team.id, member.id).email == member.email


@operation("customers.members.update")
def test_update_a_member(polar: Polar, team: Any, member: Any) -> None:
    assert polar.customers.members.update(team.id, member.id, role="billing_manager").role == "billing_manager"


@operation("customers.members.delete")
def test_remove_a_member(polar: Polar, team: Any, member: Any) -> None:
    polar.customers.members.delete(team.id, member.id)
    with pytest.raises(ResourceNotFound):
        polar.customers.members.get(team.id, member.id)


@operation("customers.members.create_external")
def test_add_a_member_by_the_merchants_id(polar: Polar, team: Any) -> None:
    name = os.urandom(4).hex()
    assert polar.customers.members.create_external(team.external_id, email=f"{name}@example.com").customer_id == team.id


@operation("customers.members.list_external")
def test_list_members_by_the_merchants_id(polar: Polar, team: Any) -> None:
    assert "owner" in [one.role for one in polar.customers.members.list_external(team.external_id).items]


@operation("customers.members.get_external")
def test_get_a_member_by_the_merchants_ids(polar: Polar, team: Any, member: Any) -> None:
    assert polar.customers.members.get_external(team.external_id, member.external_id).id == member.id


@operation("customers.members.update_external")
def test_update_a_member_by_the_merchants_ids(polar: Polar, team: Any, member: Any) -> None:
    found = polar.customers.members.update_external(team.external_id, member.external_id, name="Grace")
    assert found.name == "Grace"


@operation("customers.members.delete_external")
def test_remove_a_member_by_the_merchants_ids(polar: Polar, team: Any, member: Any) -> None:
    polar.customers.members.delete_external(team.external_id, member.external_id)
    with pytest.raises(ResourceNotFound):
        polar.customers.members.get_external(team.external_id, member.external_id)
