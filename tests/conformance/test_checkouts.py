"""Checkouts, from the merchant's side and from the buyer's."""

from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import ResourceNotFound

operation = pytest.mark.operation


@pytest.fixture
def checkout(polar: Polar, product: Any) -> Any:
    """An open checkout."""
    return polar.checkouts.create(products=[product.id], customer_email="open@example.com")


@operation("checkouts.create")
def test_create_a_checkout(checkout: Any, product: Any) -> None:
    assert (checkout.status, checkout.product_id, checkout.amount) == ("open", product.id, 2900)
    assert checkout.client_secret


@operation("checkouts.list")
def test_list_checkouts(polar: Polar, checkout: Any, product: Any) -> None:
    found = polar.checkouts.list(product_id=product.id, status="open", query="open@example").items
    assert checkout.id in [one.id for one in found]


@operation("checkouts.get")
def test_get_a_checkout(polar: Polar, checkout: Any) -> None:
    assert polar.checkouts.get(checkout.id).customer_email == "open@example.com"
    with pytest.raises(ResourceNotFound):
        polar.checkouts.get("00000000-0000-4000-8000-000000000000")


@operation("checkouts.update")
def test_update_a_checkout(polar: Polar, checkout: Any) -> None:
    changed = polar.checkouts.update(checkout.id, customer_name="Ada", metadata={"seen": True})
    assert (changed.customer_name, changed.metadata) == ("Ada", {"seen": True})


@operation("checkouts.client_get")
def test_the_buyer_gets_the_checkout(polar: Polar, checkout: Any) -> None:
    assert polar.checkouts.client_get(checkout.client_secret).id == checkout.id
    with pytest.raises(ResourceNotFound):
        polar.checkouts.client_get("polar_c_unknown")


@operation("checkouts.client_update")
def test_the_buyer_updates_the_checkout(polar: Polar, checkout: Any) -> None:
    changed = polar.checkouts.client_update(checkout.client_secret, customer_name="Grace")
    assert changed.customer_name == "Grace"


@operation("checkouts.client_confirm")
def test_the_buyer_confirms_the_checkout(purchase: Any) -> None:
    assert purchase.confirmed.status in {"confirmed", "succeeded"}
    assert purchase.checkout.status == "succeeded"
