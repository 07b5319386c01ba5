"""Saved cards, and orders that are charged with them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import (
    CustomerNotReady,
    OrderNotDraft,
    OrderNotEligibleForRetry,
    PaymentMethodInUseByActiveSubscription,
    ResourceNotFound,
)

from tests.conformance.conftest import needed

UNKNOWN = "00000000-0000-4000-8000-000000000000"
operation = pytest.mark.operation


@pytest.fixture(scope="module")
def portal(polar: Polar, purchase: Any, until: Callable[..., Any]) -> Iterator[Polar]:
    """The SDK with the token of the customer's session."""
    session = until(lambda: polar.customer_sessions.create(customer_id=purchase.customer.id))
    with Polar(session.token, base_url=needed("POLAR_API_URL"), timeout=60.0) as client:
        yield client


@pytest.fixture(scope="module")
def card(polar: Polar, purchase: Any) -> Any:
    """The card that the purchase was paid with."""
    (saved,) = polar.customers.list_payment_methods(purchase.customer.id).items
    return saved


@operation("customers.list_payment_methods")
def test_list_the_cards_of_a_customer(polar: Polar, card: Any, purchase: Any) -> None:
    assert (card.type, card.method_metadata.brand, card.customer_id) == ("card", "visa", purchase.customer.id)
    with pytest.raises(ResourceNotFound):
        polar.customers.list_payment_methods(UNKNOWN)


@operation("customers.list_payment_methods_external")
def test_list_the_cards_by_my_own_id(polar: Polar) -> None:
    with pytest.raises(ResourceNotFound):
        polar.customers.list_payment_methods_external("nobody-has-this")


@operation("customer_portal.customers.list_payment_methods")
def test_the_customers_cards(portal: Polar, card: Any) -> None:
    assert card.id in [one.id for one in portal.customer_portal.customers.list_payment_methods().items]


def added_card(portal: Polar) -> Any:
    added = portal.customer_portal.customers.add_payment_method(
        confirmation_token_id="pm_card_mastercard", set_default=False, return_url="https://example.com/"
    )
    assert added.status == "succeeded"
    return added.payment_method


@operation("customer_portal.customers.add_payment_method")
def test_a_card_is_added(portal: Polar) -> None:
    assert added_card(portal).method_metadata.brand == "mastercard"


@operation("customer_portal.customers.delete_payment_method")
def test_cards_are_deleted_but_for_the_one_that_is_needed(portal: Polar, card: Any) -> None:
    mine = portal.customer_portal.customers
    added = added_card(portal)
    others = [one.id for one in mine.list_payment_methods().items if one.id not in (card.id, added.id)]
    for other in others:
        mine.delete_payment_method(other)
    mine.delete_payment_method(added.id)
    with pytest.raises(ResourceNotFound):
        mine.delete_payment_method(added.id)
    with pytest.raises(PaymentMethodInUseByActiveSubscription):
        mine.delete_payment_method(card.id)


@operation("customer_portal.customers.confirm_payment_method")
def test_a_card_whose_bank_asks(portal: Polar) -> None:
    mine = portal.customer_portal.customers
    asked = mine.add_payment_method(
        confirmation_token_id="pm_card_authenticationRequired", set_default=False, return_url="https://example.com/"
    )
    assert asked.status == "requires_action"
    intent = asked.client_secret.partition("_secret_")[0]
    again = mine.confirm_payment_method(setup_intent_id=intent, set_default=False)
    assert again.status == "requires_action"
    with pytest.raises(CustomerNotReady):
        mine.confirm_payment_method(setup_intent_id="seti_unknown", set_default=False)


@pytest.fixture(scope="module")
def draft(polar: Polar, purchase: Any, until: Callable[..., Any]) -> Any:
    """An order of a one-time product that nobody was asked to pay yet."""
    product = polar.products.create(name="Set-up", prices=[{"amount_type": "fixed", "price_amount": 4900}])
    return until(lambda: polar.orders.create(customer_id=purchase.customer.id, product_id=product.id))


@operation("orders.create")
def test_a_draft(draft: Any) -> None:
    assert (draft.status, draft.invoice_number, draft.subtotal_amount) == ("draft", None, 4900)


@operation("orders.finalize")
def test_a_draft_is_charged(polar: Polar, draft: Any) -> None:
    done = polar.orders.finalize(draft.id)
    assert (done.status, done.paid) == ("paid", True)
    with pytest.raises(OrderNotDraft):
        polar.orders.finalize(draft.id)


@operation("customer_portal.orders.confirm_retry_payment")
def test_a_paid_order_is_not_paid_again(portal: Polar, purchase: Any) -> None:
    with pytest.raises(OrderNotEligibleForRetry):
        portal.customer_portal.orders.confirm_retry_payment(purchase.order.id, confirmation_token_id="pm_card_visa")


@operation("subscriptions.create")
def test_a_free_product_is_given(polar: Polar, until: Callable[..., Any]) -> None:
    price = {"amount_type": "fixed", "price_amount": 0}
    product = polar.products.create(name="Community", recurring_interval="month", prices=[price])
    customer = polar.customers.create(email="community@example.com")
    given = until(lambda: polar.subscriptions.create(product_id=product.id, customer_id=customer.id))
    assert (given.status, given.amount, given.product.name) == ("active", 0, "Community")
