"""The customer's portal, with the token of a customer session."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import (
    CustomerPortalCustomersCheckEmailUpdate401Error,
    CustomerPortalCustomersVerifyEmailUpdate401Error,
    PolarClientError,
    ResourceNotFound,
)

from tests.conformance.conftest import needed

operation = pytest.mark.operation


@pytest.fixture(scope="module")
def session(polar: Polar, purchase: Any, until: Callable[..., Any]) -> Any:
    """An hour in the portal for the customer of the purchase."""
    return until(lambda: polar.customer_sessions.create(customer_id=purchase.customer.id))


@pytest.fixture(scope="module")
def portal(session: Any) -> Iterator[Polar]:
    """The SDK as the customer's page uses it."""
    with Polar(session.token, base_url=needed("POLAR_API_URL"), timeout=60.0) as client:
        yield client


@operation("customer_sessions.create")
def test_open_a_customer_session(session: Any, purchase: Any) -> None:
    assert session.customer_id == session.customer.id == purchase.customer.id
    assert session.token in session.customer_portal_url


@operation("customer_portal.customer_session.introspect")
def test_introspect_the_session(portal: Polar, session: Any) -> None:
    assert portal.customer_portal.customer_session.introspect().expires_at == session.expires_at


@operation("customer_portal.customer_session.get_authenticated_user")
def test_who_is_in_the_portal(portal: Polar, purchase: Any) -> None:
    user = portal.customer_portal.customer_session.get_authenticated_user()
    assert (user.type, user.email, user.customer_id) == ("customer", purchase.email, purchase.customer.id)


@operation("customer_portal.customers.get")
def test_the_customer_sees_themselves(portal: Polar, purchase: Any) -> None:
    assert portal.customer_portal.customers.get().id == purchase.customer.id


@operation("customer_portal.customers.update")
def test_the_customer_changes_themselves(portal: Polar) -> None:
    changed = portal.customer_portal.customers.update(billing_name="Buyer Ltd", billing_address={"country": "FR"})
    assert (changed.billing_name, changed.billing_address.country) == ("Buyer Ltd", "FR")


@operation("customer_portal.orders.list")
def test_the_customers_orders(portal: Polar, purchase: Any) -> None:
    found = portal.customer_portal.orders.list(product_billing_type="recurring", query="Pro").items
    assert [order.id for order in found] == [purchase.order.id]
    assert found[0].product.organization.name == "Conformance"


@operation("customer_portal.orders.get")
def test_an_order_of_the_customer(portal: Polar, purchase: Any, buy: Callable[[], Any]) -> None:
    assert portal.customer_portal.orders.get(purchase.order.id).total_amount == purchase.order.total_amount
    with pytest.raises(ResourceNotFound):
        portal.customer_portal.orders.get(buy().order.id)


@operation("customer_portal.orders.update")
def test_the_customer_changes_an_invoice(portal: Polar, purchase: Any) -> None:
    changed = portal.customer_portal.orders.update(purchase.order.id, billing_name="Own Ltd")
    assert changed.billing_name == "Own Ltd"


@operation("customer_portal.orders.get_payment_status")
def test_whether_an_order_was_paid(portal: Polar, purchase: Any) -> None:
    assert portal.customer_portal.orders.get_payment_status(purchase.order.id).status == "succeeded"


@operation("customer_portal.organizations.get")
def test_the_seller_is_shown_to_everybody(portal: Polar, polar: Polar, product: Any) -> None:
    slug = polar.organizations.list().items[0].slug
    found = portal.customer_portal.organizations.get(slug)
    assert found.organization.name == "Conformance"
    assert product.id in [one.id for one in found.products]


@operation("customer_portal.subscriptions.list")
def test_the_customers_subscriptions(portal: Polar, purchase: Any) -> None:
    found = portal.customer_portal.subscriptions.list(active=True).items
    assert [one.id for one in found] == [purchase.subscription.id]


@operation("customer_portal.subscriptions.get")
def test_a_subscription_of_the_customer(portal: Polar, purchase: Any) -> None:
    assert portal.customer_portal.subscriptions.get(purchase.subscription.id).product.name == "Pro"


@pytest.fixture
def leaving(polar: Polar, buy: Callable[[], Any], until: Callable[..., Any]) -> Iterator[tuple[Polar, Any]]:
    """Another customer's portal, and the subscription that is to be ended there."""
    bought = buy()
    opened = until(lambda: polar.customer_sessions.create(customer_id=bought.customer.id))
    with Polar(opened.token, base_url=needed("POLAR_API_URL"), timeout=60.0) as client:
        yield client, bought.subscription


@operation("customer_portal.subscriptions.update")
def test_the_customer_cancels_and_takes_it_back(leaving: tuple[Polar, Any]) -> None:
    portal, subscription = leaving
    own = portal.customer_portal.subscriptions
    changed = own.update(subscription.id, cancel_at_period_end=True, cancellation_reason="unused")
    assert (changed.cancel_at_period_end, changed.customer_cancellation_reason) == (True, "unused")
    assert own.update(subscription.id, cancel_at_period_end=False).cancel_at_period_end is False


@operation("customer_portal.subscriptions.cancel")
def test_the_customer_cancels(leaving: tuple[Polar, Any]) -> None:
    portal, subscription = leaving
    assert portal.customer_portal.subscriptions.cancel(subscription.id).cancel_at_period_end is True


@operation("customer_portal.license_keys.list")
def test_the_customers_license_keys(portal: Polar, purchase: Any) -> None:
    assert [key.id for key in portal.customer_portal.license_keys.list().items] == [purchase.license_key.id]


@operation("customer_portal.license_keys.get")
def test_a_license_key_of_the_customer(portal: Polar, purchase: Any) -> None:
    assert portal.customer_portal.license_keys.get(purchase.license_key.id).key == purchase.license_key.key


@operation("customer_portal.license_keys.rotate")
def test_the_customer_rotates_a_license_key(portal: Polar, purchase: Any) -> None:
    rotated = portal.customer_portal.license_keys.rotate(purchase.license_key.id)
    assert rotated.key != purchase.license_key.key


def test_the_portal_opens_nothing_of_the_merchant(portal: Polar) -> None:
    with pytest.raises(PolarClientError):
        portal.customers.list()


@operation(
    "customer_portal.customers.request_email_update",
    "customer_portal.customers.check_email_update",
    "customer_portal.customers.verify_email_update",
)
def test_the_customer_asks_for_another_address(leaving: tuple[Polar, Any], polar: Polar) -> None:
    """The link itself is mailed: identity's own tests follow it."""
    customers = leaving[0].customer_portal.customers
    organization = polar.organizations.list().items[0]
    polar.organizations.update(organization.id, customer_portal_settings={"customer": {"allow_email_change": True}})
    assert customers.request_email_update(email="another@example.com") == {"status": "accepted"}
    with pytest.raises(CustomerPortalCustomersCheckEmailUpdate401Error):
        customers.check_email_update(token="polar_ceu_unknown")
    with pytest.raises(CustomerPortalCustomersVerifyEmailUpdate401Error):
        customers.verify_email_update(token="polar_ceu_unknown")
