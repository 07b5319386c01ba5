"""Tax of checkouts: by the buyer's address, the seller's country and the price's option; right when it is confirmed."""

import asyncio

import pytest
from contracts.checkout import CheckoutSucceededV1

from services.checkout.tests.support import confirmed, opened, seller_told

DE, FR, US = {"country": "DE"}, {"country": "FR"}, {"country": "US", "state": "CA"}
QUEBEC = {"country": "CA", "state": "QC"}


@pytest.fixture
def settled_in(bus, organization_id):
    """Tells checkout where the seller is."""

    async def settle(country, sequence=1, **settings):
        await bus.deliver(seller_told(organization_id, sequence, country=country, **settings))

    return settle


async def amounts(client, product, **buyer):
    checkout = await opened(client, product, **buyer)
    names = ("net_amount", "tax_amount", "total_amount", "tax_behavior")
    return tuple(checkout[name] for name in names)


async def test_where_the_buyer_is_decides(client, sell, settled_in):
    await settled_in("US")
    product = await sell(amount=2900)
    assert await amounts(client, product) == (2900, 0, 2900, None)
    assert await amounts(client, product, customer_billing_address=DE) == (2437, 463, 2900, "inclusive")
    assert await amounts(client, product, customer_billing_address=US) == (2900, 0, 2900, "exclusive")
    assert await amounts(client, product, customer_billing_address=QUEBEC) == (2900, 434, 3334, "exclusive")


@pytest.mark.parametrize(
    ("price", "organization", "behavior"),
    [
        ("exclusive", "inclusive", "exclusive"),
        ("inclusive", "exclusive", "inclusive"),
        (None, "exclusive", "exclusive"),
    ],
)
async def test_the_price_s_option_comes_before_the_seller_s(client, sell, settled_in, price, organization, behavior):
    await settled_in("US", default_tax_behavior=organization)
    product = await sell(amount=10_000, terms={"tax_behavior": price})
    seen = await amounts(client, product, customer_billing_address=DE)
    assert seen == ((8403, 1597, 10_000, behavior) if behavior == "inclusive" else (10_000, 1900, 11_900, behavior))


async def test_an_address_taxes_the_checkout_and_the_purchase_carries_it(client, sell, settled_in, bus, sandbox):
    await settled_in("US")
    product = await sell(amount=2900, terms={"tax_behavior": "exclusive"})
    discount = {"name": "Off", "type": "percentage", "basis_points": 1000, "duration": "once"}
    discount = (await client.post("/v1/discounts/", json=discount)).json()
    checkout = await opened(client, product, discount_id=discount["id"])
    path = f"/v1/checkouts/client/{checkout['client_secret']}"
    seen = (await client.patch(path, json={"customer_billing_address": FR})).json()
    assert (seen["net_amount"], seen["tax_amount"], seen["total_amount"]) == (2610, 522, 3132)
    assert seen["tax_breakdown"] == [
        {
            "amount": 522, "taxable_amount": 2610, "taxability_reason": "standard_rated", "rate": "20",
            "display_name": "VAT", "country": "FR", "state": None,
        }
    ]  # fmt: skip
    answer = await confirmed(client, checkout, customer_billing_address=DE)
    assert answer.status_code == 200, answer.text
    (event,) = await bus.recorded(CheckoutSucceededV1)
    purchase = event.data
    assert (purchase.net_amount, purchase.tax_amount, purchase.total_amount) == (2610, 496, 3106)
    assert (purchase.payment.amount, purchase.tax_behavior) == (3106, "exclusive")
    assert [(item.rate, item.country) for item in purchase.tax_breakdown] == [("19", "DE")]
    assert purchase.tax_computation["jurisdictions"][0]["exact"] == "4959/10"


async def test_a_business_elsewhere_in_the_union_accounts_for_the_tax_itself(client, sell, settled_in, bus, sandbox):
    await settled_in("FR")
    product = await sell(amount=2900)
    checkout = await opened(
        client, product, customer_billing_address=DE, customer_tax_id="de 136 695 976", is_business_customer=True
    )
    assert (checkout["tax_amount"], checkout["customer_tax_id"]) == (0, "DE136695976")
    assert checkout["tax_breakdown"][0]["taxability_reason"] == "reverse_charge"
    path = f"/v1/checkouts/client/{checkout['client_secret']}"
    assert (await client.patch(path, json={"is_business_customer": False})).json()["tax_amount"] == 463
    again = {"is_business_customer": True, "customer_tax_id": "DE136695976"}
    assert (await client.patch(path, json=again)).json()["tax_amount"] == 0
    assert (await confirmed(client, checkout)).status_code == 200
    (event,) = await bus.recorded(CheckoutSucceededV1)
    assert (event.data.customer.tax_id, event.data.customer.tax_id_format) == ("DE136695976", "eu_vat")


async def test_at_home_a_business_pays_and_so_it_does_from_a_seller_nobody_knows(client, sell, settled_in):
    product = await sell(amount=2900)
    buyer = {"customer_billing_address": DE, "customer_tax_id": "DE136695976"}
    assert (await opened(client, product, **buyer))["tax_amount"] == 463
    await settled_in("DE")
    assert (await opened(client, product, **buyer))["tax_amount"] == 463
    await settled_in("AT", sequence=2)
    assert (await opened(client, product, **buyer))["tax_amount"] == 0


@pytest.mark.parametrize(
    ("buyer", "field"),
    [
        ({"customer_billing_address": DE, "customer_tax_id": "DE136695977"}, "customer_tax_id"),
        ({"customer_billing_address": DE, "customer_tax_id": "FR40303265045"}, "customer_tax_id"),
        ({"customer_tax_id": "DE136695976"}, "customer_tax_id"),
        ({"customer_billing_address": {"country": "AQ"}, "customer_tax_id": "1"}, "customer_tax_id"),
    ],
)
async def test_a_wrong_tax_id_is_named(client, sell, buyer, field):
    product = await sell()
    body = {"product_price_id": str(product.prices[0].id), **buyer}
    answer = await client.post("/v1/checkouts/", json=body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", field])


async def test_what_is_tolerated_while_filling_in_is_refused_on_confirm(client, sell, settled_in, sandbox):
    await settled_in("US")
    product = await sell(amount=2900)
    checkout = await opened(client, product, customer_billing_address={"country": "CA"})
    assert (checkout["tax_amount"], checkout["tax_breakdown"][0]["taxability_reason"]) == (0, "not_supported")
    answer = await confirmed(client, checkout)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (
        422,
        ["body", "customer_billing_address", "state"],
    )
    moved = await opened(client, product, customer_billing_address=DE, customer_tax_id="DE136695976")
    path = f"/v1/checkouts/{moved['id']}"
    seen = (await client.patch(path, json={"customer_billing_address": FR})).json()
    assert (seen["tax_amount"], seen["tax_breakdown"][0]["country"]) == (483, "FR")
    answer = await confirmed(client, moved)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "customer_tax_id"])
    answer = await confirmed(client, moved, customer_tax_id="FR40303265045")
    assert answer.status_code == 200, answer.text
    assert sandbox.summary()["payment_intents"] == 1


async def test_no_total_goes_beyond_what_can_be_charged(client, sell, settled_in):
    await settled_in("US")
    product = await sell(amount=99_999_999, terms={"tax_behavior": "exclusive"})
    body = {"product_price_id": str(product.prices[0].id), "customer_billing_address": DE}
    answer = await client.post("/v1/checkouts/", json=body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "amount"])


async def test_ten_who_confirm_at_once_pay_one_taxed_total(client, sell, settled_in, bus, sandbox):
    await settled_in("US")
    product = await sell(amount=2900, terms={"tax_behavior": "exclusive"})
    checkout = await opened(client, product, customer_billing_address=DE)
    answers = await asyncio.gather(*(confirmed(client, checkout) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    (intent,) = sandbox.get("/v1/payment_intents")["data"]
    assert intent["amount"] == 3451
