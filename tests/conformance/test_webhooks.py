"""Webhook endpoints and deliveries."""

from collections.abc import Callable
from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import ResourceNotFound

operation = pytest.mark.operation


@pytest.fixture
def endpoint(polar: Polar) -> Any:
    """An endpoint that nobody answers."""
    return polar.webhooks.create_webhook_endpoint(
        url="http://127.0.0.1:9/hook", format="raw", events=["product.created"], name="Closed"
    )


@operation("webhooks.create_webhook_endpoint")
def test_create_an_endpoint(endpoint: Any) -> None:
    assert endpoint.events == ["product.created"]
    assert endpoint.secret


@operation("webhooks.list_webhook_endpoints")
def test_list_endpoints(polar: Polar, endpoint: Any) -> None:
    assert endpoint.id in [one.id for one in polar.webhooks.list_webhook_endpoints(limit=100).items]


@operation("webhooks.get_webhook_endpoint")
def test_get_an_endpoint(polar: Polar, endpoint: Any) -> None:
    assert polar.webhooks.get_webhook_endpoint(endpoint.id).url == endpoint.url


@operation("webhooks.update_webhook_endpoint")
def test_update_an_endpoint(polar: Polar, endpoint: Any) -> None:
    changed = polar.webhooks.update_webhook_endpoint(endpoint.id, enabled=False, events=["order.paid"])
    assert (changed.enabled, changed.events) == (False, ["order.paid"])


@operation("webhooks.reset_webhook_endpoint_secret")
def test_reset_the_secret_of_an_endpoint(polar: Polar, endpoint: Any) -> None:
    assert polar.webhooks.reset_webhook_endpoint_secret(endpoint.id).secret != endpoint.secret


@operation("webhooks.delete_webhook_endpoint")
def test_delete_an_endpoint(polar: Polar, endpoint: Any) -> None:
    polar.webhooks.delete_webhook_endpoint(endpoint.id)
    with pytest.raises(ResourceNotFound):
        polar.webhooks.get_webhook_endpoint(endpoint.id)


@pytest.fixture
def delivery(polar: Polar, endpoint: Any, until: Callable[..., Any]) -> Any:
    """A delivery that failed."""
    price = {"amount_type": "fixed", "price_amount": 100, "price_currency": "usd"}
    polar.products.create(name="Told of", prices=[price])
    return until(lambda: polar.webhooks.list_webhook_deliveries(endpoint_id=endpoint.id).items)[0]


@operation("webhooks.list_webhook_deliveries")
def test_list_deliveries(delivery: Any) -> None:
    assert delivery.succeeded is False
    assert delivery.webhook_event.type == "product.created"


@operation("webhooks.redeliver_webhook_event")
def test_redeliver_an_event(polar: Polar, delivery: Any) -> None:
    polar.webhooks.redeliver_webhook_event(delivery.webhook_event.id)
