"""Checkout links and custom fields."""

from typing import Any

import httpx
import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import ResourceNotFound

operation = pytest.mark.operation


@pytest.fixture
def link(polar: Polar, product: Any) -> Any:
    """To the product of the run."""
    return polar.checkout_links.create(payment_processor="stripe", products=[product.id], label="Launch")


@operation("checkout_links.create")
def test_create_a_link(link: Any, product: Any) -> None:
    assert (link.label, link.products[0].id) == ("Launch", product.id)
    answer = httpx.get(link.url, params={"customer_email": "link@example.com"})
    assert (answer.status_code, "/checkout/polar_c_" in answer.headers["location"]) == (307, True)


@operation("checkout_links.list")
def test_list_links(polar: Polar, link: Any, product: Any) -> None:
    assert link.id in [found.id for found in polar.checkout_links.list(product_id=product.id, limit=100).items]


@operation("checkout_links.get")
def test_get_a_link(polar: Polar, link: Any) -> None:
    assert polar.checkout_links.get(link.id).url == link.url


@operation("checkout_links.update")
def test_update_a_link(polar: Polar, link: Any) -> None:
    changed = polar.checkout_links.update(link.id, label="Relaunch", metadata={"n": 1})
    assert (changed.label, changed.metadata) == ("Relaunch", {"n": 1})


@operation("checkout_links.delete")
def test_delete_a_link(polar: Polar, link: Any) -> None:
    polar.checkout_links.delete(link.id)
    with pytest.raises(ResourceNotFound):
        polar.checkout_links.get(link.id)


@pytest.fixture(scope="module")
def field(polar: Polar) -> Any:
    """A question with a list of answers."""
    options = [{"value": "s", "label": "Small"}, {"value": "l", "label": "Large"}]
    return polar.custom_fields.create(type="select", slug="size", name="Size", properties={"options": options})


@operation("custom_fields.create")
@pytest.mark.parametrize("kind", ["text", "number", "date", "checkbox"])
def test_create_a_field(polar: Polar, kind: str) -> None:
    made = polar.custom_fields.create(type=kind, slug=f"a-{kind}", name="Asked", properties={"form_label": "Say"})
    assert (made.type, made.properties.form_label) == (kind, "Say")


@operation("custom_fields.list")
def test_list_fields(polar: Polar, field: Any) -> None:
    assert [found.id for found in polar.custom_fields.list(type="select").items] == [field.id]


@operation("custom_fields.get")
def test_get_a_field(polar: Polar, field: Any) -> None:
    assert polar.custom_fields.get(field.id).properties.options[0].label == "Small"


@operation("custom_fields.update")
def test_update_a_field(polar: Polar) -> None:
    made = polar.custom_fields.create(type="text", slug="before", name="Before", properties={})
    assert polar.custom_fields.update(made.id, type="text", name="After").name == "After"


@operation("custom_fields.delete")
def test_delete_a_field(polar: Polar) -> None:
    made = polar.custom_fields.create(type="text", slug="gone", name="Gone", properties={})
    polar.custom_fields.delete(made.id)
    with pytest.raises(ResourceNotFound):
        polar.custom_fields.get(made.id)


def test_a_product_asks_a_field(polar: Polar, field: Any) -> None:
    made = polar.products.create(
        name="Asking",
        prices=[{"amount_type": "fixed", "price_amount": 1000}],
        attached_custom_fields=[{"custom_field_id": field.id, "required": True}],
    )
    assert made.attached_custom_fields[0].custom_field.slug == "size"
