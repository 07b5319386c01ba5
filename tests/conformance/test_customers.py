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
