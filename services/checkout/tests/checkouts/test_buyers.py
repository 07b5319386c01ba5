"""Whose a purchase is: what the seller said with a token stands, what a stranger typed binds nobody."""

from datetime import timedelta
from uuid import UUID

import pytest
from checkout.checkouts.models import Checkout
from checkout.payments.timers import recover_open_payments
from contracts.billing import CustomerDeletedV1
from contracts.checkout import CheckoutSucceededV1
from processor import StripeProcessor
from servicekit import clock, ids
from sqlalchemy import update

from services.checkout.tests.support import call_back, confirmed, customer_created, opened, problems

DECLINED = "pm_card_chargeDeclined"
PERCENT = {"name": "Launch", "code": "LAUNCH", "type": "percentage", "basis_points": 2000, "duration": "once"}


@pytest.fixture
async def eve(bus, organization_id, known_seller):
    """A customer whom checkout knows: `eve@example.com`."""
    event = customer_created(organization_id, ids.uuid7(), email="eve@example.com", name="Eve")
    await bus.deliver(event)
    return event.data


@pytest.fixture
def page(client):
    """What a buyer's page sends without a token: to the checkout, or to its confirmation."""

    async def send(checkout, method, path="", **body):
        url = f"/v1/checkouts/client/{checkout['client_secret']}{path}"
        return await client.request(method, url, json=body or None, headers={"Authorization": ""})

    return send


async def bought(bus):
    return [event.data.customer for event in await bus.recorded(CheckoutSucceededV1)]


async def test_an_attacker_s_declined_card_does_not_keep_the_victim_s_purchase(client, sell, bus, sandbox, eve, page):
    """Case 2: Eve's declined attempt, her e-mail taken off, and the page given to the victim, who pays."""
    checkout = await opened(client, await sell(), customer_email=None)
    tried = await page(checkout, "POST", "/confirm", customer_email="eve@example.com", confirmation_token_id=DECLINED)
    assert tried.status_code == 400
    await page(checkout, "PATCH", customer_email=None)
    paid = {"customer_email": "victim@example.com", "confirmation_token_id": "pm_card_visa"}
    answer = await page(checkout, "POST", "/confirm", **paid)
    assert answer.status_code == 200, answer.text
    (buyer,) = await bought(bus)
    assert (buyer.email, buyer.is_named) == ("victim@example.com", False)
    assert buyer.id != eve.id
    assert answer.json()["customer_id"] == str(buyer.id)


@pytest.mark.parametrize("named", [None, "customer_id"])
async def test_checkouts_of_the_released_version_that_were_declined_go_by_the_email(
    client, sell, bus, sandbox, eve, page, database, named
):
    """It kept promised and named customers in one column: after a decline nobody can tell them apart."""
    checkout = await opened(client, await sell(), customer_email="victim@example.com")
    kept = {"customer_id": eve.id, "named_customer_id": None, "attempt": 2 if named is None else 1}
    async with database.transaction() as session:
        await session.execute(update(Checkout).where(Checkout.id == UUID(checkout["id"])).values(**kept))
    assert (await confirmed(client, checkout)).status_code == 200
    (buyer,) = await bought(bus)
    assert (buyer.id == eve.id) is (named is not None)


async def test_a_stranger_is_not_shown_who_is_a_customer(client, sell, sandbox, eve, page):
    checkout = await opened(client, await sell(), customer_email=None)
    for card in (DECLINED, "pm_card_authenticationRequired"):
        await page(checkout, "POST", "/confirm", customer_email="eve@example.com", confirmation_token_id=card)
        shown = await page(checkout, "GET")
        assert (shown.status_code, shown.json()["customer_id"]) == (200, None)
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["customer_id"] == str(eve.id)


@pytest.mark.parametrize("by", ["customer_id", "external_customer_id"])
async def test_a_buyer_does_not_turn_a_named_customer_into_another(
    client, sell, bus, sandbox, organization_id, page, known_seller, by
):
    ada = customer_created(organization_id, ids.uuid7(), external_id="ada")
    await bus.deliver(ada)
    named = {by: str(ada.data.id) if by == "customer_id" else "ada"}
    checkout = await opened(client, await sell(), customer_email=None, **named)
    assert checkout["customer_id"] == str(ada.data.id)
    for email in ("mallory@example.com", None):
        assert problems(await page(checkout, "PATCH", customer_email=email)) == [["body", "customer_email"]]
    other = {"customer_email": "mallory@example.com", "confirmation_token_id": "pm_card_visa"}
    assert problems(await page(checkout, "POST", "/confirm", **other)) == [["body", "customer_email"]]
    assert (await page(checkout, "PATCH", customer_email="ADA@example.com")).status_code == 200
    assert (await confirmed(client, checkout, confirmation_token_id=DECLINED)).status_code == 400
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["customer_id"] == str(ada.data.id)
    assert (await confirmed(client, checkout)).status_code == 200
    assert [(buyer.id, buyer.is_named) for buyer in await bought(bus)] == [(ada.data.id, True)]


async def test_a_given_up_attempt_that_is_paid_after_all_is_its_own_buyer_s(
    client, sell, bus, sandbox, eve, page, database, settings
):
    """The bank of the first buyer says no, then yes, while somebody else's e-mail stands on the page.

    The discount, which was released with the no, counts as used.
    """
    discount = (await client.post("/v1/discounts/", json={**PERCENT, "max_redemptions": 1})).json()
    product = await sell()
    checkout = await opened(client, product, customer_email="eve@example.com", discount_id=discount["id"])
    await confirmed(client, checkout, confirmation_token_id="pm_card_authenticationRequired")
    (intent,) = sandbox.get("/v1/payment_intents")["data"]
    path = f"/v1/payment_intents/{intent['id']}"
    sandbox.post(f"{path}/_authenticate", client_secret=intent["client_secret"], success="false")
    for event in sandbox.events("payment_intent.payment_failed"):
        await call_back(client, event)
    assert (await page(checkout, "PATCH", customer_email="mallory@example.com")).status_code == 200
    sandbox.post(f"{path}/confirm", payment_method="pm_card_visa")
    for event in sandbox.events("payment_intent.succeeded"):
        await call_back(client, event)
    processor = StripeProcessor(settings)
    clock.move(timedelta(minutes=5))
    await recover_open_payments(database.transaction, processor, settings)
    await processor.close()
    assert [(buyer.id, buyer.email) for buyer in await bought(bus)] == [(eve.id, "eve@example.com")]
    assert (await client.get(f"/v1/discounts/{discount['id']}")).json()["redemptions_count"] == 1
    late = await client.post("/v1/checkouts/", json={"products": [str(product.id)], "discount_id": discount["id"]})
    assert problems(late) == [["body", "discount_id"]]


async def test_a_customer_who_was_deleted_meanwhile_is_not_charged(client, sell, bus, sandbox, eve):
    """F7: the seller named Eve, and deletes her before the page is paid."""
    checkout = await opened(client, await sell(), customer_email=None, customer_id=str(eve.id))
    gone = eve.model_copy(update={"deleted_at": clock.now()})
    await bus.deliver(
        CustomerDeletedV1(subject=eve.id, organization_id=eve.organization_id, time=clock.now(), sequence=2, data=gone)
    )
    answer = await confirmed(client, checkout)
    assert (answer.status_code, answer.json()["error"]) == (403, "CheckoutCustomerDeleted")
    assert sandbox.summary()["payment_intents"] == 0
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "open"


async def test_a_discount_that_was_limited_to_other_products_is_not_redeemed(client, sell, sandbox):
    """F7's kind: what was bound at creation is looked at again."""
    product, other = await sell(), await sell()
    discount = (await client.post("/v1/discounts/", json=PERCENT)).json()
    checkout = await opened(client, product, discount_id=discount["id"])
    await client.patch(f"/v1/discounts/{discount['id']}", json={"products": [str(other.id)]})
    assert problems(await confirmed(client, checkout)) == [["body", "discount_id"]]
    assert (await client.get(f"/v1/discounts/{discount['id']}")).json()["redemptions_count"] == 0
    assert sandbox.summary()["payment_intents"] == 0
    assert (await confirmed(client, checkout, discount_code="")).status_code == 200


BOTH = [["body", "external_customer_id"], ["body", "customer_email"]]


async def test_one_external_id_is_not_two_customers(client, sell, bus, sandbox, known_seller):
    """F8: the second purchase is refused before billing has told of the first one's customer."""
    product = await sell(interval=None)
    work = await opened(client, product, customer_email="work@example.com", external_customer_id="x")
    home = await opened(client, product, customer_email="home@example.com", external_customer_id="x")
    assert (await confirmed(client, work)).status_code == 200
    assert problems(await confirmed(client, home)) == BOTH
    assert sandbox.summary()["payment_intents"] == 1
    again = await opened(client, product, customer_email="Work@example.com", external_customer_id="x")
    assert (await confirmed(client, again)).status_code == 200


@pytest.mark.parametrize(("known", "email"), [("y", "ada@example.com"), ("x", "home@example.com")])
async def test_an_external_id_and_an_email_of_two_customers_are_refused(
    client, sell, bus, sandbox, organization_id, known_seller, known, email
):
    checkout = await opened(client, await sell(), customer_email=email, external_customer_id="x")
    await bus.deliver(customer_created(organization_id, ids.uuid7(), external_id=known))
    assert problems(await confirmed(client, checkout)) == BOTH
    assert sandbox.summary()["payment_intents"] == 0


async def test_a_named_customer_does_not_get_another_s_external_id(client, sell, bus, organization_id, eve):
    await bus.deliver(customer_created(organization_id, ids.uuid7(), external_id="ada"))
    body = {"products": [str((await sell()).id)], "customer_id": str(eve.id), "external_customer_id": "ada"}
    assert problems(await client.post("/v1/checkouts/", json=body)) == BOTH


@pytest.mark.parametrize(("typed", "links"), [(None, True), ("eve@example.com", False)])
async def test_a_buyer_cannot_link_the_seller_s_id_to_whose_email_they_type(
    client, sell, bus, sandbox, eve, page, typed, links
):
    """The seller's own id of a signed-in user opens what its customer has: a typed e-mail must not lead it there."""
    checkout = await opened(
        client, await sell(interval=None), customer_email="me@example.com", external_customer_id="x"
    )
    if typed is not None:
        await page(checkout, "PATCH", customer_email=typed)
    assert (await confirmed(client, checkout)).status_code == 200
    (buyer,) = await bought(bus)
    assert (buyer.external_id, buyer.links_external_id) == ("x", links)


async def test_two_mailboxes_that_fold_alike_are_two_customers(client, sell, bus, sandbox, known_seller):
    """Case 7: `straße` and `strasse` are one text for Unicode, and two for the database and for the mail."""
    product = await sell(interval=None)
    for email in ("ada@straße.example", "ada@strasse.example", "ADA@strasse.example"):
        assert (await confirmed(client, await opened(client, product, customer_email=email))).status_code == 200
    first, second, third = await bought(bus)
    assert first.id != second.id
    assert second.id == third.id
