"""Orders, subscriptions and payments."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import DisputeNotOpenError, RefundedAlready, ResourceNotFound

UNKNOWN = "00000000-0000-4000-8000-000000000000"
operation = pytest.mark.operation


@operation("orders.list")
def test_list_orders(polar: Polar, purchase: Any) -> None:
    found = polar.orders.list(customer_id=purchase.customer.id, product_billing_type="recurring").items
    assert [order.id for order in found] == [purchase.order.id]


@operation("orders.get")
def test_get_an_order(polar: Polar, purchase: Any) -> None:
    order = polar.orders.get(purchase.order.id)
    assert (order.status, order.paid, order.subtotal_amount) == ("paid", True, 2900)
    with pytest.raises(ResourceNotFound):
        polar.orders.get(UNKNOWN)


@operation("subscriptions.list")
def test_list_subscriptions(polar: Polar, purchase: Any) -> None:
    found = polar.subscriptions.list(customer_id=purchase.customer.id, active=True).items
    assert [one.id for one in found] == [purchase.subscription.id]


@operation("subscriptions.get")
def test_get_a_subscription(polar: Polar, purchase: Any) -> None:
    found = polar.subscriptions.get(purchase.subscription.id)
    assert (found.status, found.amount, found.recurring_interval) == ("active", 2900, "month")
    with pytest.raises(ResourceNotFound):
        polar.subscriptions.get(UNKNOWN)


@operation("subscriptions.update")
def test_cancel_a_subscription_and_take_it_back(polar: Polar, buy: Callable[[], Any]) -> None:
    subscription = buy().subscription
    changed = polar.subscriptions.update(
        subscription.id, cancel_at_period_end=True, customer_cancellation_reason="too_expensive"
    )
    assert (changed.cancel_at_period_end, changed.customer_cancellation_reason) == (True, "too_expensive")
    assert polar.subscriptions.update(subscription.id, cancel_at_period_end=False).cancel_at_period_end is False


@operation("subscriptions.revoke")
def test_revoke_a_subscription(polar: Polar, buy: Callable[[], Any]) -> None:
    revoked = polar.subscriptions.revoke(buy().subscription.id)
    assert revoked.status == "canceled"
    assert revoked.ended_at is not None


@operation("payments.list")
def test_list_payments(polar: Polar, purchase: Any) -> None:
    (payment,) = polar.payments.list(order_id=purchase.order.id).items
    assert (payment.status, payment.amount, payment.processor) == ("succeeded", purchase.order.total_amount, "stripe")


@operation("payments.get")
def test_get_a_payment(polar: Polar, purchase: Any) -> None:
    (payment,) = polar.payments.list(order_id=purchase.order.id).items
    assert polar.payments.get(payment.id).order_id == purchase.order.id


@operation("orders.export")
def test_export_orders(polar: Polar, purchase: Any) -> None:
    header, *lines = polar.orders.export(columns=["invoice_number", "net_amount", "email"]).splitlines()
    assert header == "Invoice number,Net Amount,Email"
    assert f"{purchase.order.invoice_number},24.37,{purchase.email}" in lines  # 29.00 with 19 % VAT in it


@operation("orders.update")
def test_make_an_invoice_out_to_another_name(polar: Polar, buy: Callable[[], Any]) -> None:
    changed = polar.orders.update(buy().order.id, billing_name="Buyer Ltd", billing_address={"country": "DE"})
    assert (changed.billing_name, changed.billing_address.country) == ("Buyer Ltd", "DE")


@operation("subscriptions.export")
def test_export_subscriptions(polar: Polar, purchase: Any) -> None:
    header, *lines = polar.subscriptions.export(status="active").splitlines()
    assert header == "Email,Started At,Product,Amount,Currency,Status,Recurring Interval"
    assert any(line.startswith(purchase.email) and ",29.00,usd,active,month" in line for line in lines)


class OneTime:
    """A one-time product of 100.00 that gives the benefit, and its buyers."""

    def __init__(self, polar: Polar, benefit: Any, until: Callable[..., Any]) -> None:
        self._polar, self._until = polar, until
        price = {"amount_type": "fixed", "price_amount": 10000, "price_currency": "usd"}
        made = polar.products.create(name="Once", prices=[price])
        self.product = polar.products.update_benefits(made.id, benefits=[benefit.id])

    def buy(self, card: str = "pm_card_visa") -> Any:
        """A paid order, once its benefit is granted."""
        email = f"once-{os.urandom(4).hex()}@example.com"
        checkout = self._polar.checkouts.create(products=[self.product.id], customer_email=email)
        self._polar.checkouts.client_confirm(
            checkout.client_secret, confirmation_token_id=card, customer_billing_address={"country": "DE"}
        )
        (order,) = self._until(lambda: self._polar.orders.list(checkout_id=checkout.id).items)
        self._until(lambda: self.granted(order))
        return order

    def granted(self, order: Any) -> list[Any]:
        """What the order's customer has."""
        return self._polar.benefit_grants.list(customer_id=order.customer_id, is_granted=True).items


@pytest.fixture(scope="module")
def once(polar: Polar, benefit: Any, until: Callable[..., Any]) -> OneTime:
    return OneTime(polar, benefit, until)


@operation("refunds.create")
def test_refund_a_part_and_then_the_rest(polar: Polar, once: OneTime, until: Callable[..., Any]) -> None:
    order = once.buy()
    part = polar.refunds.create(order_id=order.id, amount=2500, reason="customer_request", metadata={"ticket": 1})
    assert (part.status, part.amount, part.metadata) == ("succeeded", 2500, {"ticket": 1})
    assert polar.orders.get(order.id).status == "partially_refunded"
    left = polar.orders.get(order.id).refundable_amount
    rest = polar.refunds.create(order_id=order.id, amount=left, reason="other", revoke_benefits=True)
    changed = polar.orders.get(order.id)
    assert (changed.status, changed.paid, changed.refundable_amount, changed.refundable_tax_amount) == (
        "refunded", True, 0, 0,
    )  # fmt: skip
    assert changed.refunded_tax_amount == part.tax_amount + rest.tax_amount == order.tax_amount
    until(lambda: not once.granted(order))
    with pytest.raises(RefundedAlready):
        polar.refunds.create(order_id=order.id, amount=1, reason="other")


@operation("refunds.list")
def test_list_refunds(polar: Polar, once: OneTime) -> None:
    order = once.buy()
    made = polar.refunds.create(order_id=order.id, amount=100, reason="duplicate")
    listed = polar.refunds.list(order_id=order.id, customer_id=order.customer_id, succeeded=True).items
    assert [refund.id for refund in listed] == [made.id]
    assert polar.refunds.list(order_id=order.id, succeeded=False).items == []


@pytest.fixture(scope="module")
def dispute(polar: Polar, once: OneTime, until: Callable[..., Any]) -> Any:
    """A dispute that Stripe's call-backs told of."""
    order = once.buy("pm_card_createDispute")
    (found,) = until(lambda: polar.disputes.list(order_id=order.id).items)
    return found


@operation("disputes.list")
def test_list_disputes(polar: Polar, dispute: Any) -> None:
    listed = polar.disputes.list(order_id=dispute.order_id, status=["needs_response", "lost"]).items
    assert [one.id for one in listed] == [dispute.id]


@operation("disputes.get")
def test_get_a_dispute(polar: Polar, dispute: Any) -> None:
    found = polar.disputes.get(dispute.id)
    assert (found.reason, found.closed, found.customer.type) == ("fraudulent", False, "individual")
    with pytest.raises(ResourceNotFound):
        polar.disputes.get(UNKNOWN)


@operation("disputes.accept")
def test_accept_a_dispute(polar: Polar, once: OneTime, until: Callable[..., Any]) -> None:
    order = once.buy("pm_card_createDispute")
    (opened,) = until(lambda: polar.disputes.list(order_id=order.id).items)
    assert polar.disputes.accept(opened.id).status == "lost"
    until(lambda: not once.granted(order))
    with pytest.raises(DisputeNotOpenError):
        polar.disputes.accept(opened.id)
