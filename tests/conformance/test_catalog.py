"""Products, benefits and discounts."""

from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import PolarClientError, ResourceNotFound

PRICE = {"amount_type": "fixed", "price_amount": 1000, "price_currency": "usd"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"
operation = pytest.mark.operation


@operation("products.create")
@pytest.mark.parametrize(
    "price",
    [
        {"amount_type": "fixed", "price_amount": 4900, "price_currency": "eur"},
        {"amount_type": "custom", "price_currency": "usd", "minimum_amount": 500, "preset_amount": 900},
        {"amount_type": "free"},
    ],
    ids=lambda price: price["amount_type"],
)
def test_create_a_product(polar: Polar, price: dict[str, Any]) -> None:
    made = polar.products.create(name="Made", prices=[price], metadata={"n": 1})
    assert made.name == "Made"
    # A free price is a fixed one of 0 in the SDK's version.
    assert made.prices[0].amount_type == price["amount_type"].replace("free", "fixed")
    assert made.is_recurring is False
    assert made.metadata == {"n": 1}


@operation("products.list")
def test_list_products(polar: Polar, product: Any) -> None:
    page = polar.products.list(query="Pro", is_recurring=True, is_archived=False, metadata={"tier": "pro"})
    assert [item.id for item in page.items] == [product.id]
    assert page.pagination.total_count == 1
    assert product.id in [item.id for item in polar.products.iter_list(limit=1)]


@operation("products.get")
def test_get_a_product(polar: Polar, product: Any) -> None:
    assert polar.products.get(product.id).name == "Pro"
    with pytest.raises(ResourceNotFound):
        polar.products.get(UNKNOWN)


@operation("products.update")
def test_update_a_product(polar: Polar) -> None:
    made = polar.products.create(name="Before", prices=[PRICE])
    changed = polar.products.update(made.id, name="After", is_archived=True)
    assert (changed.name, changed.is_archived) == ("After", True)


@operation("products.update_benefits")
def test_update_the_benefits_of_a_product(polar: Polar, benefit: Any) -> None:
    made = polar.products.create(name="With", prices=[PRICE])
    assert [one.id for one in polar.products.update_benefits(made.id, benefits=[benefit.id]).benefits] == [benefit.id]
    assert polar.products.update_benefits(made.id, benefits=[]).benefits == []


@operation("benefits.create")
def test_create_a_benefit(polar: Polar) -> None:
    made = polar.benefits.create(type="custom", description="Thanks", properties={"note": "Write to us"})
    assert (made.type, made.properties.note) == ("custom", "Write to us")


@operation("benefits.list")
def test_list_benefits(polar: Polar, benefit: Any) -> None:
    found = polar.benefits.list(type="license_keys", query="Licen").items
    assert benefit.id in [item.id for item in found]


@operation("benefits.get")
def test_get_a_benefit(polar: Polar, benefit: Any) -> None:
    assert polar.benefits.get(benefit.id).description == "License"
    with pytest.raises(ResourceNotFound):
        polar.benefits.get(UNKNOWN)


@operation("benefits.update")
def test_update_a_benefit(polar: Polar) -> None:
    made = polar.benefits.create(type="custom", description="Before", properties={"note": None})
    assert polar.benefits.update(made.id, type="custom", description="After").description == "After"


@operation("benefits.delete")
def test_delete_a_benefit(polar: Polar) -> None:
    made = polar.benefits.create(type="custom", description="Gone", properties={"note": None})
    polar.benefits.delete(made.id)
    with pytest.raises(ResourceNotFound):
        polar.benefits.get(made.id)


@operation("benefits.grants")
def test_list_the_grants_of_a_benefit(polar: Polar, benefit: Any, purchase: Any) -> None:
    found = polar.benefits.grants(benefit.id, customer_id=purchase.customer.id).items
    assert [grant.id for grant in found] == [purchase.grant.id]


@operation("benefit_grants.list")
def test_list_grants(polar: Polar, purchase: Any) -> None:
    found = polar.benefit_grants.list(customer_id=purchase.customer.id, is_granted=True).items
    assert [grant.id for grant in found] == [purchase.grant.id]


@operation("discounts.create")
@pytest.mark.parametrize(
    "discount",
    [
        {"type": "percentage", "basis_points": 2500, "duration": "forever"},
        {"type": "fixed", "amount": 500, "currency": "usd", "duration": "once"},
        {"type": "percentage", "basis_points": 1000, "duration": "repeating", "duration_in_months": 3},
    ],
    ids=lambda discount: f"{discount['type']}-{discount['duration']}",
)
def test_create_a_discount(polar: Polar, discount: dict[str, Any]) -> None:
    made = polar.discounts.create(name="Less", **discount)
    assert (made.type, made.duration) == (discount["type"], discount["duration"])


@operation("discounts.list")
def test_list_discounts(polar: Polar) -> None:
    made = polar.discounts.create(name="Findable", type="percentage", basis_points=100, duration="once")
    assert [one.id for one in polar.discounts.list(query="Findable").items] == [made.id]


@operation("discounts.get")
def test_get_a_discount(polar: Polar) -> None:
    made = polar.discounts.create(name="One", type="percentage", basis_points=100, duration="once", code="ONECODE1")
    assert polar.discounts.get(made.id).code == "ONECODE1"
    with pytest.raises(ResourceNotFound):
        polar.discounts.get(UNKNOWN)


@operation("discounts.update")
def test_update_a_discount(polar: Polar) -> None:
    made = polar.discounts.create(name="Old", type="percentage", basis_points=100, duration="once")
    assert polar.discounts.update(made.id, name="New", max_redemptions=5).max_redemptions == 5


@operation("discounts.delete")
def test_delete_a_discount(polar: Polar) -> None:
    made = polar.discounts.create(name="Gone", type="percentage", basis_points=100, duration="once")
    polar.discounts.delete(made.id)
    with pytest.raises(PolarClientError):
        polar.discounts.get(made.id)


@operation("products.delete")
def test_delete_a_product(polar: Polar) -> None:
    made = polar.products.create(name="Gone", prices=[PRICE])
    assert made.is_deletable
    polar.products.delete(made.id)
    with pytest.raises(ResourceNotFound):
        polar.products.get(made.id)
