"""Customers keep cards, choose among them, and pay with them what was not paid; merchants charge drafts."""

from datetime import timedelta

import pytest
from billing.payments.timers import collect_due
from billing.subscriptions.renewals import renew_due
from contracts.catalog import Product, ProductCreatedV1
from servicekit import clock, ids
from servicekit.testing.harness import signed_headers

MINE = "/v1/customer-portal/customers/me/payment-methods"


@pytest.fixture
def portal(organization_id):
    def headers(event, **changes):
        return signed_headers(organization_id, "customer_portal:write", customer_id=event.data.customer.id, **changes)

    return headers


def wish(token="pm_card_mastercard", **changes):
    return {"confirmation_token_id": token, "set_default": True, "return_url": "https://shop.example/", **changes}


async def bought(bus, purchased, sandbox, **changes):
    event = purchased(card=sandbox.card(), **changes)
    await bus.deliver(event)
    return event


async def test_the_card_of_a_purchase_is_kept_and_others_are_added(client, bus, purchased, sandbox, portal):
    event = await bought(bus, purchased, sandbox)
    (first,) = (await client.get(f"/v1/customers/{event.data.customer.id}/payment-methods")).json()["items"]
    assert (first["type"], first["is_default"], first["method_metadata"]["last4"]) == ("card", True, "4242")
    added = await client.post(MINE, headers=portal(event), json=wish())
    assert added.status_code == 201, added.text
    assert added.json()["payment_method"]["method_metadata"] == {
        "brand": "mastercard", "last4": "4444", "exp_month": 12, "exp_year": 2034,
    }  # fmt: skip
    listed = (await client.get(MINE, headers=portal(event))).json()["items"]
    assert [one["is_default"] for one in listed] == [True, False]
    customer = (await client.get(f"/v1/customers/{event.data.customer.id}")).json()
    assert customer["default_payment_method_id"] == listed[0]["id"]
    assert (await client.delete(f"{MINE}/{listed[0]['id']}", headers=portal(event))).status_code == 204
    last = await client.delete(f"{MINE}/{first['id']}", headers=portal(event))
    assert (last.status_code, last.json()["error"]) == (400, "PaymentMethodInUseByActiveSubscription")
    assert (await client.delete(f"{MINE}/{listed[0]['id']}", headers=portal(event))).status_code == 404


async def test_a_declined_card_is_not_kept(client, bus, purchased, sandbox, portal):
    event = await bought(bus, purchased, sandbox)
    answer = await client.post(MINE, headers=portal(event), json=wish("pm_card_chargeDeclinedLostCard"))
    assert (answer.status_code, answer.json()["decline_code"]) == (400, "lost_card")
    assert len((await client.get(MINE, headers=portal(event))).json()["items"]) == 1


async def test_the_bank_asks_first(client, bus, purchased, sandbox, portal):
    event = await bought(bus, purchased, sandbox)
    other = await bought(bus, purchased, sandbox, email="bob@example.com")
    started = (await client.post(MINE, headers=portal(event), json=wish("pm_card_authenticationRequired"))).json()
    assert started["status"] == "requires_action"
    intent, secret = started["client_secret"].partition("_secret_")[0], started["client_secret"]
    sandbox.post(f"/v1/setup_intents/{intent}/_authenticate", client_secret=secret, success="true")
    body = {"setup_intent_id": intent, "set_default": False}
    stolen = await client.post(f"{MINE}/confirm", headers=portal(other), json=body)
    assert (stolen.status_code, stolen.json()["error"]) == (403, "CustomerNotReady")
    for _ in range(2):
        done = await client.post(f"{MINE}/confirm", headers=portal(event), json=body)
        assert done.json()["status"] == "succeeded", done.text
    assert len((await client.get(MINE, headers=portal(event))).json()["items"]) == 2


async def failed(bus, purchased, database, processor, sandbox, client):
    event = await bought(bus, purchased, sandbox)
    sandbox.faults(decline="insufficient_funds")
    clock.move(timedelta(days=32))
    await renew_due(database.transaction)
    await collect_due(database.transaction, processor)
    sandbox.faults(decline="")
    (order,) = [one for one in (await client.get("/v1/orders/")).json()["items"] if one["status"] == "pending"]
    return event, order


async def test_a_new_default_card_is_asked_at_once(client, bus, purchased, database, processor, sandbox, portal):
    event, order = await failed(bus, purchased, database, processor, sandbox, client)
    assert (await client.post(MINE, headers=portal(event), json=wish())).status_code == 201
    await collect_due(database.transaction, processor)
    assert (await client.get(f"/v1/orders/{order['id']}")).json()["status"] == "paid"
    assert (await client.get(f"/v1/subscriptions/{event.data.subscription_id}")).json()["status"] == "active"
    wanted = {"order_id": order["id"], "status": "succeeded"}
    (paid,) = (await client.get("/v1/payments/", params=wanted)).json()["items"]
    assert (paid["trigger"], paid["method_metadata"]["brand"]) == ("retry_payment_method_update", "mastercard")


async def test_customers_pay_what_was_not_paid(client, bus, purchased, database, processor, sandbox, portal):
    event, order = await failed(bus, purchased, database, processor, sandbox, client)
    path = f"/v1/customer-portal/orders/{order['id']}/confirm-payment"
    assert (await client.post(path, headers=portal(event), json={})).status_code == 422
    bad = await client.post(path, headers=portal(event), json={"confirmation_token_id": "pm_card_chargeDeclined"})
    assert (bad.status_code, bad.json()["status"]) == (200, "failed")
    planned = (await client.get(f"/v1/orders/{order['id']}")).json()["next_payment_attempt_at"]
    assert planned == order["next_payment_attempt_at"], "what a customer tries does not count"
    good = await client.post(path, headers=portal(event), json={"confirmation_token_id": "pm_card_visa"})
    assert good.json() == {"status": "succeeded", "client_secret": None, "error": None}
    status = await client.get(f"/v1/customer-portal/orders/{order['id']}/payment-status", headers=portal(event))
    assert status.json()["status"] == "succeeded"
    again = await client.post(path, headers=portal(event), json={"confirmation_token_id": "pm_card_visa"})
    assert (again.status_code, again.json()["error"]) == (422, "OrderNotEligibleForRetry")
    assert (await client.get(f"/v1/subscriptions/{event.data.subscription_id}")).json()["status"] == "active"


async def test_customers_try_five_times(client, bus, purchased, database, processor, sandbox, portal):
    event, order = await failed(bus, purchased, database, processor, sandbox, client)
    path = f"/v1/customer-portal/orders/{order['id']}/confirm-payment"
    codes = [
        (await client.post(path, headers=portal(event), json={"confirmation_token_id": "pm_card_chargeDeclined"}))
        .status_code
        for _ in range(6)
    ]  # fmt: skip
    assert codes == [200] * 5 + [429]


async def sold(bus, purchased, price=4900):
    """A one-time product that billing knows, and a customer with a card."""
    told = purchased(interval=None, amount=price).data.product
    event = ProductCreatedV1(subject=told.id, organization_id=told.organization_id, time=clock.now(), data=told)
    await bus.deliver(event)
    return told


async def test_a_draft_is_charged_when_it_is_finalized(client, bus, purchased, sandbox, portal):
    event = await bought(bus, purchased, sandbox)
    product = await sold(bus, purchased)
    body = {"customer_id": str(event.data.customer.id), "product_id": str(product.id)}
    draft = await client.post("/v1/orders/", json=body)
    assert draft.status_code == 201, draft.text
    shown = draft.json()
    assert (shown["status"], shown["invoice_number"], shown["total_amount"]) == ("draft", None, 4900)
    path = f"/v1/orders/{draft.json()['id']}/finalize"
    sandbox.faults(decline="do_not_honor")
    refused = await client.post(path)
    assert (refused.status_code, refused.json()["decline_code"]) == (402, "do_not_honor")
    assert (await client.get(f"/v1/orders/{draft.json()['id']}")).json()["status"] == "draft"
    sandbox.faults(decline="")
    done = await client.post(path)
    assert (done.status_code, done.json()["status"], done.json()["paid"]) == (200, "paid", True)
    assert done.json()["invoice_number"].endswith("-0002")
    assert (await client.post(path)).status_code == 412
    assert sandbox.summary()["succeeded"] == 1


async def test_a_draft_of_a_deleted_customer_is_not_charged(client, bus, purchased, sandbox):
    event = await bought(bus, purchased, sandbox)
    product = await sold(bus, purchased)
    body = {"customer_id": str(event.data.customer.id), "product_id": str(product.id)}
    draft = (await client.post("/v1/orders/", json=body)).json()
    assert (await client.delete(f"/v1/customers/{event.data.customer.id}")).status_code == 204
    refused = await client.post(f"/v1/orders/{draft['id']}/finalize")
    assert (refused.status_code, refused.json()["error"]) == (409, "OrderCustomerDeleted")
    assert (await client.get(f"/v1/orders/{draft['id']}")).json()["status"] == "draft"
    assert sandbox.summary()["succeeded"] == 0


async def test_drafts_name_what_is_wrong(client, bus, purchased, sandbox):
    event = await bought(bus, purchased, sandbox)
    product = await sold(bus, purchased)
    good = {"customer_id": str(event.data.customer.id), "product_id": str(product.id)}
    for field, value in (("customer_id", str(ids.uuid7())), ("product_id", str(ids.uuid7())), ("currency", "eur")):
        answer = await client.post("/v1/orders/", json={**good, field: value})
        assert (answer.status_code, answer.json()["detail"][0]["loc"][-1]) == (422, field)


async def test_another_card_becomes_the_default(client, bus, purchased, sandbox, portal, stranger):
    event = await bought(bus, purchased, sandbox)
    (first,) = (await client.get(MINE, headers=portal(event))).json()["items"]
    second = (await client.post(MINE, headers=portal(event), json=wish())).json()["payment_method"]
    answer = await client.patch(f"{MINE}/{first['id']}", headers=portal(event), json={"is_default": True})
    assert (answer.status_code, answer.json()["is_default"]) == (200, True)
    me = "/v1/customer-portal/customers/me"
    assert (await client.get(me, headers=portal(event))).json()["default_payment_method_id"] == first["id"]
    changed = await client.patch(me, headers=portal(event), json={"default_payment_method_id": second["id"]})
    assert changed.json()["default_payment_method_id"] == second["id"]
    for body, status in (({"is_default": False}, 422), ({}, 422), ({"is_default": True, "x": 1}, 422)):
        refused = await client.patch(f"{MINE}/{first['id']}", headers=portal(event), json=body)
        assert refused.status_code == status
    other = await bought(bus, purchased, sandbox, email="eve@example.com")
    theirs = portal(other)
    assert (await client.patch(f"{MINE}/{first['id']}", headers=theirs, json={"is_default": True})).status_code == 404
    refused = await client.patch(me, headers=theirs, json={"default_payment_method_id": first["id"]})
    assert refused.json()["detail"][0]["loc"] == ["body", "default_payment_method_id"]
    read = signed_headers(event.organization_id, "customer_portal:read", customer_id=event.data.customer.id)
    assert (await client.patch(f"{MINE}/{first['id']}", headers=read, json={"is_default": True})).status_code == 403


async def test_a_card_that_a_stranger_entered_becomes_no_default(client, bus, purchased, sandbox, portal):
    customer = (await client.post("/v1/customers/", json={"email": "ada@example.com"})).json()
    event = purchased(card=sandbox.card(), customer={"id": customer["id"]})
    await bus.deliver(event)
    (card,) = (await client.get(MINE, headers=portal(event))).json()["items"]
    assert card["is_default"] is False
    me = "/v1/customer-portal/customers/me"
    for path, body in ((f"{MINE}/{card['id']}", {"is_default": True}), (me, {"default_payment_method_id": card["id"]})):
        refused = await client.patch(path, headers=portal(event), json=body)
        assert (refused.status_code, refused.json()["error"]) == (400, "PaymentMethodOfCheckout")
    assert (await client.get(me, headers=portal(event))).json()["default_payment_method_id"] is None


async def test_a_draft_of_what_cannot_be_charged_is_refused(client, bus, purchased, sandbox):
    """Amounts are nothing, or what Stripe charges: the currency's minimum at least, in its steps, up to its most."""
    event = await bought(bus, purchased, sandbox)
    customer = {"customer_id": str(event.data.customer.id)}
    told = (await sold(bus, purchased)).model_dump(mode="json")
    fields = told["prices"][0]
    units = {
        "amount_type": "unit_based", "price_amount": None, "minimum_units": 2,
        "tiers": {"type": "volume", "tiers": [{"bound": None, "unit_amount": "1000"}]},
    }  # fmt: skip
    products = {}
    for name, terms in (("usd", {}), ("isk", {"price_currency": "isk"}), ("ugx", {"price_currency": "ugx"}),
                        ("units", units)):  # fmt: skip
        id = str(ids.uuid7())
        price = {**fields, **terms, "id": str(ids.uuid7()), "product_id": id}
        product = Product.model_validate({**told, "id": id, "prices": [price]})
        made = ProductCreatedV1(
            subject=product.id, organization_id=product.organization_id, time=clock.now(), data=product
        )
        await bus.deliver(made)
        products[name] = id
    for name, field, value, refused in (
        ("usd", "amount", 0, False), ("usd", "amount", 49, True), ("usd", "amount", 50, False),
        ("usd", "amount", 99_999_999, False), ("isk", "amount", 7000, False), ("isk", "amount", 7050, True),
        ("isk", "amount", 6900, True), ("ugx", "amount", 200_050, True), ("ugx", "amount", 200_100, False),
        ("units", "units", 99_999, False), ("units", "units", 100_001, True), ("units", "units", 1, True),
        ("units", "units", None, True), ("usd", "units", 5, True),
    ):  # fmt: skip
        answer = await client.post("/v1/orders/", json={**customer, "product_id": products[name], field: value})
        assert answer.status_code == (422 if refused else 201), (name, value, answer.text)
        if refused:
            assert answer.json()["detail"][0]["loc"] == ["body", field]
