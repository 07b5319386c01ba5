"""Stripe Tax before the built-in tables: asked between transactions, its refusals named, its failures passed over."""

from datetime import date

import pytest
import tax
from checkout.checkouts import taxes
from contracts.checkout import CheckoutSucceededV1

from services.checkout.tests.support import confirmed, opened

DAY = date(2026, 11, 24)
BEVERLY_HILLS = {"country": "US", "state": "CA", "postal_code": "90210"}


@pytest.fixture
async def stripe_tax(sandbox):
    """Checkout asks the local Stripe for its taxes."""
    quotes = tax.Quotes.of(True, "sk_test_checkout", sandbox.url)
    taxes.use(quotes)
    yield quotes
    taxes.use(tax.Quotes())
    await quotes.close()


async def test_a_state_of_the_us_is_collected_for(client, sell, stripe_tax, bus, sandbox):
    product = await sell(amount=2900)
    checkout = await opened(client, product, customer_billing_address=BEVERLY_HILLS)
    assert (checkout["tax_amount"], checkout["total_amount"], checkout["tax_behavior"]) == (210, 3110, "exclusive")
    assert checkout["tax_breakdown"][0]["rate"] == "7.25"
    answer = await confirmed(client, checkout)
    assert answer.status_code == 200, answer.text
    (event,) = await bus.recorded(CheckoutSucceededV1)
    assert (event.data.payment.amount, event.data.tax_computation["provider"]) == (3110, "stripe")
    assert event.data.tax_calculation_id.startswith("taxcalc_")


async def test_an_idempotent_create_asks_in_between_too(client, sell, stripe_tax):
    product = await sell(amount=2900)
    body = {"product_price_id": str(product.prices[0].id), "customer_billing_address": BEVERLY_HILLS}
    key = {"Idempotency-Key": "one"}
    made = (await client.post("/v1/checkouts/", json=body, headers=key)).json()
    again = (await client.post("/v1/checkouts/", json=body, headers=key)).json()
    assert (again["id"], again["tax_amount"]) == (made["id"], 210)


async def test_an_address_that_says_too_little_is_tolerated_until_it_is_confirmed(client, sell, stripe_tax):
    product = await sell(amount=2900)
    checkout = await opened(client, product, customer_billing_address={"country": "US"})
    assert (checkout["tax_amount"], checkout["tax_breakdown"][0]["taxability_reason"]) == (0, "not_supported")
    answer = await confirmed(client, checkout)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "customer_billing_address"])
    answer = await confirmed(client, checkout, customer_billing_address=BEVERLY_HILLS)
    assert answer.status_code == 200, answer.text


async def test_when_stripe_fails_the_tables_answer(client, sell, stripe_tax, sandbox):
    product = await sell(amount=2900)
    sandbox.faults(errors=10)
    checkout = await opened(client, product, customer_billing_address={"country": "DE"})
    sandbox.faults(errors=0)
    assert (checkout["tax_amount"], checkout["tax_breakdown"][0]["rate"]) == (463, "19")


async def test_transactions_are_kept_and_taken_back(stripe_tax, sandbox):
    request = tax.TaxRequest(
        "order", "usd", "exclusive", (tax.Line("a", 1000), tax.Line("b", 333)), DAY, "US",
        tax.Address("US", "US-NY", "10001"),
    )  # fmt: skip
    await stripe_tax.ask(request)
    found = stripe_tax.known(request)
    assert (found.amount, sum(found.line_amounts)) == (118, 118)
    provider = stripe_tax.provider("stripe")
    kept = await provider.record(found.calculation_id, "order-1")
    assert await provider.record(found.calculation_id, "order-1") == kept
    assert (await provider.revert(kept, "refund-1", 400)).startswith("tax_")
    with pytest.raises(tax.TaxUnavailable):
        await provider.revert(kept, "refund-2", 5000)


async def test_a_credit_is_asked_for_by_its_size(stripe_tax):
    request = tax.TaxRequest(
        "credit", "usd", "exclusive", (tax.Line("a", -1000), tax.Line("b", 200)), DAY, "US",
        tax.Address("US", "US-NY", "10001"),
    )  # fmt: skip
    await stripe_tax.ask(request)
    found = stripe_tax.known(request)
    assert (found.amount, sum(found.line_amounts), found.calculation_id) == (-71, -71, None)
