"""The customer's portal: they see what is theirs, without what is the merchant's, and nobody else's."""

import pytest
from contracts.billing import CustomerUpdatedV1, SubscriptionCanceledV1
from contracts.identity import Organization, OrganizationCreatedV1
from servicekit import clock, ids
from servicekit.testing import signed_headers

PORTAL = "/v1/customer-portal"
SCOPES = ("customer_portal:read", "customer_portal:write")


@pytest.fixture
async def seller(bus, organization_id):
    """Billing has heard of the organization."""
    data = Organization(
        id=organization_id, created_at=clock.now(), modified_at=None, name="Acme", slug="acme", avatar_url=None,
        email="owner@acme.example", website=None,
    )  # fmt: skip
    await bus.deliver(OrganizationCreatedV1(subject=data.id, organization_id=data.id, time=data.created_at, data=data))
    return data


@pytest.fixture
async def ada(bus, purchased, seller, organization_id):
    """A purchase, and the headers of its customer's session."""
    event = purchased(customer={"external_id": "user-1", "metadata": {"note": "difficult"}})
    await bus.deliver(event)
    return event.data, signed_headers(organization_id, *SCOPES, customer_id=event.data.customer.id)


@pytest.fixture
async def bob(bus, purchased, seller, organization_id):
    """Another customer of the same seller."""
    event = purchased(email="bob@example.com")
    await bus.deliver(event)
    return event.data, signed_headers(organization_id, *SCOPES, customer_id=event.data.customer.id)


async def test_customers_see_themselves_and_change_only_what_is_theirs(client, bus, ada):
    purchase, own = ada
    me = (await client.get(f"{PORTAL}/customers/me", headers=own)).json()
    assert (me["id"], me["email"], me["name"]) == (str(purchase.customer.id), "ada@example.com", "Ada")
    assert not {"metadata", "external_id", "organization_id"} & set(me)
    changes = {"billing_name": "Ada Ltd", "billing_address": {"country": "DE"}, "tax_id": "DE123456788"}
    changed = (await client.patch(f"{PORTAL}/customers/me", headers=own, json=changes)).json()
    assert (changed["billing_name"], changed["tax_id"]) == ("Ada Ltd", ["DE123456788", "eu_vat"])
    assert (await bus.recorded(CustomerUpdatedV1))[-1].data.metadata == {"note": "difficult"}
    refused = await client.patch(f"{PORTAL}/customers/me", headers=own, json={"tax_id": "DE123456789"})
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "tax_id"])
    refused = await client.patch(f"{PORTAL}/customers/me", headers=own, json={"email": "eve@example.com"})
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "email"])
    me = (await client.get(f"{PORTAL}/customers/me", headers=own)).json()
    assert me["email"] == "ada@example.com"
    gone = await client.patch(f"{PORTAL}/customers/me", headers=own, json={"billing_address": None})
    assert (gone.status_code, gone.json()["detail"][0]["loc"]) == (422, ["body", "billing_address"])


async def test_customers_see_their_own_orders_without_what_is_the_merchants(client, ada, bob):
    purchase, own = ada
    (order,) = (await client.get(f"{PORTAL}/orders/", headers=own)).json()["items"]
    assert order["id"] == str(purchase.order_id)
    assert order["product"]["organization"]["name"] == "Acme"
    assert "email" not in order["product"]["organization"]
    assert not {"metadata", "customer", "platform_fee_amount"} & set(order)
    assert "metadata" not in order["product"]
    assert "metadata" not in order["subscription"]
    assert (await client.get(f"{PORTAL}/orders/{order['id']}", headers=own)).json() == order
    assert (await client.get(f"{PORTAL}/orders/{bob[0].order_id}", headers=own)).status_code == 404
    assert (await client.get(f"{PORTAL}/orders/?query=nothing", headers=own)).json()["items"] == []
    assert len((await client.get(f"{PORTAL}/orders/?query=pro", headers=own)).json()["items"]) == 1


async def test_customers_cancel_their_own_subscription_and_take_it_back(client, bus, ada, bob):
    purchase, own = ada
    (subscription,) = (await client.get(f"{PORTAL}/subscriptions/", headers=own)).json()["items"]
    assert (subscription["id"], subscription["status"]) == (str(purchase.subscription_id), "active")
    assert "metadata" not in subscription
    path = f"{PORTAL}/subscriptions/{subscription['id']}"
    assert (await client.get(path, headers=own)).json() == subscription
    wish = {"cancel_at_period_end": True, "cancellation_reason": "unused", "cancellation_comment": "bye"}
    canceled = (await client.patch(path, headers=own, json=wish)).json()
    assert (canceled["cancel_at_period_end"], canceled["customer_cancellation_reason"]) == (True, "unused")
    assert (await client.patch(path, headers=own, json={"cancel_at_period_end": False})).json()["canceled_at"] is None
    assert (await client.delete(path, headers=own)).json()["cancel_at_period_end"] is True
    assert len(await bus.recorded(SubscriptionCanceledV1)) == 2
    for other in (
        await client.get(f"{PORTAL}/subscriptions/{bob[0].subscription_id}", headers=own),
        await client.delete(f"{PORTAL}/subscriptions/{bob[0].subscription_id}", headers=own),
    ):
        assert other.status_code == 404
    assert (await client.patch(path, headers=own, json={"revoke": True})).status_code == 422


@pytest.mark.parametrize("path", ["customers/me", "orders/", "subscriptions/"])
async def test_the_portal_is_for_customer_sessions(client, organization_id, seller, path):
    merchant = signed_headers(organization_id, *SCOPES)
    assert (await client.get(f"{PORTAL}/{path}", headers=merchant)).status_code == 403
    nobody = await client.get(f"{PORTAL}/{path}", headers={"X-Polar-Principal": ""})
    assert nobody.status_code == 401


async def test_a_customer_session_opens_nothing_of_the_merchant(client, ada):
    _, own = ada
    for path in ("/v1/customers/", "/v1/orders/", "/v1/subscriptions/", "/v1/payments/"):
        assert (await client.get(path, headers=own)).status_code == 403


async def test_a_customer_of_another_organization_sees_nothing(client, ada):
    purchase, _ = ada
    elsewhere = signed_headers(ids.uuid7(), *SCOPES, customer_id=purchase.customer.id)
    assert (await client.get(f"{PORTAL}/customers/me", headers=elsewhere)).status_code == 404
    assert (await client.get(f"{PORTAL}/orders/", headers=elsewhere)).json()["items"] == []


async def test_customers_have_their_own_invoices_and_receipts(client, anonymous, ada, bob):
    purchase, own = ada
    other, others = bob
    await client.patch(f"/v1/orders/{purchase.order_id}", json={"billing_name": "Ada Ltd"})
    order = f"{PORTAL}/orders/{purchase.order_id}"
    assert (await client.get(f"{order}/invoice", headers=own)).status_code == 404
    made = await client.post(f"{order}/invoice", headers=own)
    assert (made.status_code, made.text) == (202, "null")
    for kind in ("invoice", "receipt"):
        url = (await client.get(f"{order}/{kind}", headers=own)).json()["url"]
        given = await anonymous.get(url[url.index("/v1/") :])
        assert (given.status_code, given.content[:5]) == (200, b"%PDF-")
        assert (await client.get(f"{order}/{kind}", headers=others)).status_code == 404
    assert (await client.post(f"{order}/invoice", headers=others)).status_code == 404
    assert other.order_id != purchase.order_id
