"""The order of a checkout, for whoever has its client secret: for a day, and nothing else of the customer."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from contracts.identity import Organization, OrganizationCreatedV1
from servicekit import clock, ids, links
from servicekit.testing.harness import SECRET
from servicekit.tokens import hashed

SECRET_OF_CHECKOUT = "polar_c_secret"
PATH = f"/v1/checkouts/client/{SECRET_OF_CHECKOUT}/order"


@pytest.fixture
async def seller(bus, organization_id):
    data = Organization(
        id=organization_id, created_at=clock.now(), modified_at=None, name="Acme", slug="acme", avatar_url=None,
        email="owner@acme.example", website=None,
    )  # fmt: skip
    await bus.deliver(OrganizationCreatedV1(subject=data.id, organization_id=data.id, time=data.created_at, data=data))


@pytest.fixture
def bought(bus, purchased, seller):
    """A purchase of the checkout with the secret, by somebody who typed an e-mail."""

    async def bought(**changes):
        event = purchased(client_secret_hash=hashed(SECRET_OF_CHECKOUT, SECRET).hex(), **changes)
        await bus.deliver(event)
        return event.data

    return bought


async def test_the_holder_of_the_secret_sees_what_was_bought(anonymous, bought):
    purchase = await bought(amount=9900, tax=990)
    answer = await anonymous.get(PATH)
    assert answer.status_code == 200, answer.text
    order = answer.json()
    assert (order["id"], order["status"], order["paid"]) == (str(purchase.order_id), "paid", True)
    assert (order["subtotal_amount"], order["tax_amount"], order["total_amount"]) == (9900, 990, 10890)
    assert None not in (order["invoice_number"], order["receipt_number"])
    assert order["product"]["name"] == "Pro Plan"
    assert [item["label"] for item in order["items"]] == ["Pro Plan"]
    assert order["subscription"]["id"] == str(purchase.subscription_id)
    address = urlsplit(order["benefits_url"])
    fields = dict(part.split("=") for part in address.query.split("&"))
    links.verify(SECRET, address.path, int(fields["expires"]), fields["signature"])
    assert address.path == f"/v1/checkouts/client/{purchase.subscription_id}/benefits"


async def test_the_receipt_is_made_when_it_is_asked_for(anonymous, bought):
    await bought(interval=None)
    url = (await anonymous.get(PATH)).json()["receipt_url"]
    sent_on = await anonymous.get(urlsplit(url).path, follow_redirects=False)
    assert sent_on.status_code == 303, sent_on.text
    target = urlsplit(sent_on.headers["location"])
    document = await anonymous.get(f"{target.path}?{target.query}")
    assert (document.status_code, document.content[:5]) == (200, b"%PDF-")


async def test_what_costs_nothing_has_no_receipt(anonymous, bought):
    purchase = await bought(amount=0, interval=None)
    order = (await anonymous.get(PATH)).json()
    assert (order["receipt_url"], order["subscription"]) == (None, None)
    assert urlsplit(order["benefits_url"]).path == f"/v1/checkouts/client/{purchase.order_id}/benefits"
    assert (await anonymous.get(f"{PATH}/receipt")).status_code == 404


async def test_another_secret_opens_nothing(anonymous, client, bought):
    await bought()
    for secret in ("polar_c_other", "polar_c_", SECRET_OF_CHECKOUT.upper(), str(ids.uuid7())):
        assert (await client.get(f"/v1/checkouts/client/{secret}/order")).status_code == 404
        assert (await anonymous.get(f"/v1/checkouts/client/{secret}/order/receipt")).status_code == 404


async def test_it_is_shown_for_a_day(anonymous, bought):
    await bought(interval=None)
    clock.move(timedelta(hours=23, minutes=59))
    assert (await anonymous.get(PATH)).status_code == 200
    clock.move(timedelta(minutes=2))
    for path in (PATH, f"{PATH}/receipt"):
        answer = await anonymous.get(path)
        assert (answer.status_code, answer.json()["error"]) == (410, "OrderViewExpired")


async def test_a_stranger_who_typed_the_address_learns_nothing_of_the_customer(client, anonymous, bought, bus):
    """The order itself takes nothing from the profile either, so that its receipt does not show it."""
    given = {
        "email": "ada@example.com", "name": "Ada Lovelace", "tax_id": "DE123456788",
        "billing_address": {"country": "DE", "city": "Geheimstadt", "line1": "Verborgene Gasse 7"},
    }  # fmt: skip
    assert (await client.post("/v1/customers/", json=given)).status_code == 201
    purchase = await bought(customer={"name": None, "billing_address": None})
    shown = (await anonymous.get(PATH)).text
    for known in ("Lovelace", "Geheimstadt", "Verborgene", "DE123456788", "ada@example.com", str(purchase.customer.id)):
        assert known not in shown
    order = (await client.get(f"/v1/orders/{purchase.order_id}")).json()
    assert (order["billing_name"], order["billing_address"], order["tax_id"]) == (None, None, None)


async def test_a_customer_that_the_seller_named_is_filled_in(client, bought):
    given = {"email": "ada@example.com", "name": "Ada Lovelace", "billing_address": {"country": "DE"}}
    customer = (await client.post("/v1/customers/", json=given)).json()
    named = {"id": customer["id"], "name": None, "billing_address": None, "is_named": True}
    purchase = await bought(customer=named)
    order = (await client.get(f"/v1/orders/{purchase.order_id}")).json()
    assert (order["billing_name"], order["billing_address"]["country"]) == ("Ada Lovelace", "DE")


async def test_a_number_does_not_tell_what_the_customer_bought(client, anonymous, bought, bus, purchased):
    """It counts their orders, and names the others: with one a stranger cancels what the customer has."""
    await bus.deliver(purchased())
    (mine,) = (await client.get("/v1/orders/")).json()["items"]
    purchase = await bought(amount=500, interval=None)
    answer = await anonymous.get(PATH)
    order = answer.json()
    assert (order["id"], order["total_amount"]) == (str(purchase.order_id), 500)
    assert (order["invoice_number"], order["receipt_number"], order["receipt_url"]) == (None, None, None)
    prefix = mine["invoice_number"].rpartition("-")[0].rpartition("-")[2]
    assert prefix not in answer.text
    receipt = await anonymous.get(f"{PATH}/receipt", follow_redirects=False)
    assert (receipt.status_code, prefix in receipt.text) == (404, False)
    kept = (await client.get(f"/v1/orders/{purchase.order_id}")).json()
    assert prefix in kept["invoice_number"]
