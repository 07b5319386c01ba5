"""Invoices and receipts through the SDK: made on demand, and downloaded by a link without a token."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import ResourceNotFound

from tests.conformance.conftest import needed

operation = pytest.mark.operation


@pytest.fixture(scope="module")
def invoiced(polar: Polar, buy: Callable[[], Any]) -> Any:
    """A purchase whose order is made out to a name."""
    bought = buy()
    polar.orders.update(bought.order.id, billing_name="Buyer Ltd")
    return bought


@pytest.fixture(scope="module")
def portal(polar: Polar, invoiced: Any, until: Callable[..., Any]) -> Iterator[Polar]:
    """The SDK as the customer's page uses it."""
    session = until(lambda: polar.customer_sessions.create(customer_id=invoiced.customer.id))
    with Polar(session.token, base_url=needed("POLAR_API_URL"), timeout=60.0) as client:
        yield client


def is_pdf(url: str) -> bool:
    """Whether a link gives a PDF to somebody without a token."""
    given = httpx.get(url, follow_redirects=True)
    assert given.status_code == 200, given.text
    return given.content.startswith(b"%PDF-") and given.headers["content-type"] == "application/pdf"


@operation("orders.generate_invoice")
def test_make_an_invoice(polar: Polar, invoiced: Any) -> None:
    with pytest.raises(ResourceNotFound):
        polar.orders.invoice(invoiced.order.id)
    polar.orders.generate_invoice(invoiced.order.id)
    assert polar.orders.get(invoiced.order.id).is_invoice_generated


@operation("orders.invoice")
def test_get_an_invoice(polar: Polar, invoiced: Any) -> None:
    polar.orders.generate_invoice(invoiced.order.id)
    assert is_pdf(polar.orders.invoice(invoiced.order.id).url)


@operation("orders.receipt")
def test_get_a_receipt(polar: Polar, invoiced: Any) -> None:
    assert is_pdf(polar.orders.receipt(invoiced.order.id).url)


@operation("customer_portal.orders.generate_invoice")
def test_customers_make_their_own_invoice(portal: Polar, invoiced: Any) -> None:
    portal.customer_portal.orders.generate_invoice(invoiced.order.id)
    assert portal.customer_portal.orders.get(invoiced.order.id).is_invoice_generated


@operation("customer_portal.orders.invoice")
def test_customers_get_their_own_invoice(portal: Polar, invoiced: Any) -> None:
    portal.customer_portal.orders.generate_invoice(invoiced.order.id)
    assert is_pdf(portal.customer_portal.orders.invoice(invoiced.order.id).url)


@operation("customer_portal.orders.receipt")
def test_customers_get_their_own_receipt(portal: Polar, invoiced: Any) -> None:
    assert is_pdf(portal.customer_portal.orders.receipt(invoiced.order.id).url)
