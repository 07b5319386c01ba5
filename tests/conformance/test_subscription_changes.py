"""Subscriptions that change between renewals: every form of the update, by the merchant and in the portal."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import (
    CustomerPortalSubscriptionsUpdate403Error,
    SubscriptionsUpdate403Error,
    SubscriptionsUpdate409Error,
)

from tests.conformance.conftest import needed

operation = pytest.mark.operation


def priced(polar: Polar, name: str, amount: int, interval: str = "month") -> Any:
    """A recurring product at a fixed price."""
    prices: list[Any] = [{"amount_type": "fixed", "price_amount": amount, "price_currency": "usd"}]
    return polar.products.create(name=name, recurring_interval=interval, prices=prices)


@pytest.fixture(scope="module")
def larger(polar: Polar) -> Any:
    """What is changed to."""
    return priced(polar, "Larger", 9900)


@pytest.fixture(scope="module")
def smaller(polar: Polar) -> Any:
    """What is changed back to."""
    return priced(polar, "Smaller", 900)


@operation("subscriptions.update")
def test_upgrade_at_once(polar: Polar, buy: Callable[[], Any], larger: Any) -> None:
    bought = buy()
    changed = polar.subscriptions.update(bought.subscription.id, product_id=larger.id, proration_behavior="invoice")
    assert (changed.product.id, changed.amount, changed.pending_update) == (larger.id, 9900, None)
    orders = polar.orders.list(customer_id=bought.customer.id, sorting=["-created_at"]).items
    assert (orders[0].billing_reason, orders[0].status) == ("subscription_update", "paid")
    assert [item.proration for item in orders[0].items] == [True, True]
    assert 6900 <= orders[0].subtotal_amount <= 7000


@operation("subscriptions.update")
def test_another_interval_and_a_full_new_period(polar: Polar, buy: Callable[[], Any], larger: Any) -> None:
    subscription = buy().subscription
    yearly = priced(polar, "Yearly", 29_000, "year")
    changed = polar.subscriptions.update(subscription.id, product_id=yearly.id, proration_behavior="prorate")
    assert (changed.recurring_interval, changed.current_period_end[:4]) == (
        "year", str(datetime.now(UTC).year + 1),
    )  # fmt: skip
    again = polar.subscriptions.update(subscription.id, product_id=larger.id, proration_behavior="reset")
    assert (again.recurring_interval, again.amount) == ("month", 9900)


@operation("subscriptions.update")
def test_put_a_change_off_and_drop_it(polar: Polar, buy: Callable[[], Any], smaller: Any) -> None:
    subscription = buy().subscription
    changed = polar.subscriptions.update(
        subscription.id, product_id=smaller.id, proration_behavior="next_period", metadata={"wish": "less"}
    )
    assert changed.pending_update is not None
    assert (changed.pending_update.product_id, changed.pending_update.applies_at) == (
        smaller.id, changed.current_period_end,
    )  # fmt: skip
    assert changed.metadata == {"wish": "less"}
    assert polar.subscriptions.update(subscription.id, pending_update=None).pending_update is None


@operation("subscriptions.update")
def test_seats_and_units(polar: Polar, until: Callable[..., Any]) -> None:
    tiers = {"seat_tier_type": "volume", "tiers": [{"min_seats": 1, "max_seats": None, "price_per_seat": 1000}]}
    units = {"type": "volume", "tiers": [{"bound": None, "unit_amount": "250"}]}
    for name, price in (
        ("seats", {"amount_type": "seat_based", "seat_tiers": tiers}),
        ("units", {"amount_type": "unit_based", "tiers": units}),
    ):
        prices: list[Any] = [{**price, "price_currency": "usd"}]
        product = polar.products.create(name=f"By {name}", recurring_interval="month", prices=prices)
        checkout = polar.checkouts.create(products=[product.id], customer_email=f"{name}@example.com", **{name: 2})
        polar.checkouts.client_confirm(
            checkout.client_secret, confirmation_token_id="pm_card_visa", customer_billing_address={"country": "US"}
        )
        (order,) = until(lambda checkout=checkout: polar.orders.list(checkout_id=checkout.id).items)
        changed = polar.subscriptions.update(order.subscription_id, proration_behavior="invoice", **{name: 5})
        assert getattr(changed, name) == 5
        assert changed.amount == 5 * order.subtotal_amount // 2


@operation("subscriptions.update")
def test_discounts_trials_and_periods(polar: Polar, buy: Callable[[], Any], until: Callable[..., Any]) -> None:
    subscription = buy().subscription
    half = polar.discounts.create(
        name="Half", type="percentage", duration="repeating", duration_in_months=3, basis_points=5000
    )
    given = until(lambda: polar.subscriptions.update(subscription.id, discount_id=half.id))
    assert given.discount is not None
    assert given.discount.duration == "repeating"
    assert polar.subscriptions.update(subscription.id, discount_id=None).discount is None
    end = (datetime.now(UTC) + timedelta(days=50)).replace(microsecond=0)
    moved = polar.subscriptions.update(subscription.id, current_billing_period_end=end.isoformat())
    assert datetime.fromisoformat(moved.current_period_end) == end
    later = end + timedelta(days=10)
    trial = polar.subscriptions.update(subscription.id, trial_end=later.isoformat())
    assert (trial.status, datetime.fromisoformat(trial.trial_end or "")) == ("trialing", later)
    begun = polar.subscriptions.update(subscription.id, trial_end="now")
    assert (begun.status, begun.current_period_start) == ("active", begun.trial_end)


@operation("subscriptions.update")
def test_pause_and_its_refusals(polar: Polar, buy: Callable[[], Any]) -> None:
    subscription = buy().subscription
    until_when = (datetime.now(UTC) + timedelta(days=90)).isoformat()
    paused = polar.subscriptions.update(subscription.id, pause_at_period_end=True, resumes_at=until_when)
    assert (paused.status, paused.pause_at_period_end) == ("active", True)
    assert polar.subscriptions.update(subscription.id, pause_at_period_end=False).resumes_at is None
    with pytest.raises(SubscriptionsUpdate403Error) as refused:
        polar.subscriptions.update(subscription.id, resume=True)
    assert refused.value.error.error == "InactiveSubscription"
    with pytest.raises(SubscriptionsUpdate409Error) as unscheduled:
        polar.subscriptions.update(subscription.id, cancel_at_period_end=False)
    assert unscheduled.value.error.error == "SubscriptionNotScheduledToCancel"
    assert polar.subscriptions.update(subscription.id, revoke=True).status == "canceled"
    with pytest.raises(SubscriptionsUpdate403Error) as ended:
        polar.subscriptions.update(subscription.id, trial_end="now")
    assert ended.value.error.error == "AlreadyCanceledSubscription"


@pytest.fixture
def upgrading(polar: Polar, buy: Callable[[], Any], until: Callable[..., Any]) -> Iterator[tuple[Polar, Any]]:
    """A customer's portal, and the subscription that is changed there."""
    bought = buy()
    opened = until(lambda: polar.customer_sessions.create(customer_id=bought.customer.id))
    with Polar(opened.token, base_url=needed("POLAR_API_URL"), timeout=60.0) as client:
        yield client, bought.subscription


@operation("customer_portal.subscriptions.update")
def test_the_customer_changes_their_plan(upgrading: tuple[Polar, Any], larger: Any) -> None:
    portal, subscription = upgrading
    own = portal.customer_portal.subscriptions
    changed = own.update(subscription.id, product_id=larger.id)
    assert (changed.product.id, changed.amount) == (larger.id, 9900)
    assert own.update(subscription.id, pending_update=None).pending_update is None
    with pytest.raises(CustomerPortalSubscriptionsUpdate403Error) as refused:
        own.update(subscription.id, pause_at_period_end=True)
    assert refused.value.error.error == "PauseResumeNotAllowed"
