"""Checkouts, from the merchant's side and from the buyer's."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import PolarClientError, ResourceNotFound

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


def bought(polar: Polar, until: Callable[..., Any], checkout: Any, **fields: Any) -> Any:
    """The order of a checkout that its buyer confirms."""
    polar.checkouts.client_confirm(checkout.client_secret, confirmation_token_id="pm_card_visa", **fields)
    (order,) = until(lambda: polar.orders.list(checkout_id=checkout.id).items)
    return order


def fixed(amount: int) -> Any:
    return {"amount_type": "fixed", "price_amount": amount, "price_currency": "usd"}


def test_a_price_of_one_checkout_is_what_the_order_costs(polar: Polar, until: Callable[..., Any]) -> None:
    product = polar.products.create(name="Handbook", prices=[fixed(2500)])
    checkout: Any = polar.checkouts.create(
        products=[product.id],
        prices={product.id: [fixed(777)]},
        customer_email=f"ada-{os.urandom(4).hex()}@example.com",
    )
    assert [price.price_amount for price in checkout.prices[product.id]] == [777]
    order = bought(polar, until, checkout)
    assert (order.total_amount, order.product_id) == (777, product.id)
    (payment,) = until(lambda: polar.payments.list(order_id=order.id).items)
    assert (payment.amount, payment.status) == (777, "succeeded")


def test_the_product_that_is_confirmed_is_ordered(polar: Polar, until: Callable[..., Any]) -> None:
    first, second = (polar.products.create(name="Book", prices=[fixed(amount)]) for amount in (2500, 9000))
    checkout = polar.checkouts.create(
        products=[first.id, second.id], customer_email=f"ada-{os.urandom(4).hex()}@example.com"
    )
    order = bought(polar, until, checkout, product_id=second.id)
    assert (order.total_amount, order.product_id) == (9000, second.id)


def test_a_free_subscription_is_upgraded(polar: Polar, until: Callable[..., Any]) -> None:
    free = polar.products.create(name="Free", recurring_interval="month", prices=[fixed(0)])
    paid = polar.products.create(name="Paid", recurring_interval="month", prices=[fixed(2900)])
    customer = polar.customers.create(email=f"ada-{os.urandom(4).hex()}@example.com")
    subscription = until(lambda: polar.subscriptions.create(product_id=free.id, customer_id=customer.id))
    checkout = polar.checkouts.create(products=[paid.id], subscription_id=subscription.id)
    assert (checkout.subscription_id, checkout.customer_id) == (subscription.id, customer.id)
    order = bought(polar, until, checkout)
    assert (order.total_amount, order.billing_reason) == (2900, "subscription_update")
    (own,) = polar.subscriptions.list(customer_id=customer.id).items
    assert (own.id, own.status, own.product_id, own.amount) == (subscription.id, "active", paid.id, 2900)


def test_the_merchant_changes_what_the_sdk_names(polar: Polar, checkout: Any, product: Any) -> None:
    changed: Any = polar.checkouts.update(
        checkout.id, currency="usd", trial_interval="day", trial_interval_count=7, allow_trial=True,
        require_billing_address=True, return_url="https://example.com/back", embed_origin="https://example.com",
        customer_ip_address="192.0.2.7",
    )  # fmt: skip
    assert (changed.active_trial_interval, changed.active_trial_interval_count) == ("day", 7)
    assert (changed.require_billing_address, changed.customer_ip_address) == (True, "192.0.2.7")
    assert (changed.return_url, changed.embed_origin) == ("https://example.com/back", "https://example.com")
    discount = polar.discounts.create(name="Tenth", type="percentage", basis_points=1000, duration="once")
    changed = polar.discounts.update(discount.id, basis_points=5000)
    assert changed.basis_points == 5000
    with pytest.raises(PolarClientError):
        polar.discounts.update(discount.id, duration="forever")
