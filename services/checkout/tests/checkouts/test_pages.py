"""What the pages of checkouts are made from: a checkout as its buyer sees it, in each dialect and each status."""

from datetime import timedelta

import pytest
from checkout.checkouts.models import Checkout
from servicekit import clock
from sqlalchemy import select, update

from services.checkout.tests.support import confirmed, opened, seller_told

pytestmark = pytest.mark.usefixtures("known_seller")

DIALECTS = [None, "2026-04", "2026-10", "2027-01"]
KEY = {"publishable_key": "pk_test_checkout"}
ALL = ("country", "state", "line1", "line2", "city", "postal_code")


def spoken(dialect):
    return {"Polar-Version": dialect} if dialect else {}


async def seen(client, checkout, dialect=None):
    return await client.get(f"/v1/checkouts/client/{checkout['client_secret']}", headers=spoken(dialect))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("interval", ["month", None])
async def test_every_status_is_shown_in_every_dialect(client, sell, database, dialect, interval):
    checkout = await opened(client, await sell(interval=interval), metadata={"a": "b"})
    for status in ("open", "confirmed", "failed"):
        async with database.transaction() as session:
            await session.execute(update(Checkout).values(status=status))
        answer = await seen(client, checkout, dialect)
        assert (answer.status_code, answer.json()["status"]) == (200, status), answer.text
        assert "metadata" not in answer.json()
    async with database.transaction() as session:
        await session.execute(update(Checkout).values(status="open"))
    assert (await confirmed(client, checkout)).status_code == 200
    answer = await seen(client, checkout, dialect)
    word = "succeeded" if dialect else "completed"
    assert (answer.status_code, answer.json()["status"]) == (200, word), answer.text
    assert answer.json()["organization"]["name"] == "Shop"
    again = await client.post(
        f"/v1/checkouts/client/{checkout['client_secret']}/confirm", json={}, headers=spoken(dialect)
    )
    assert (again.status_code, again.json()["status"]) == (200, "confirmed")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("status", ["open", "expired"])
async def test_what_has_expired_says_where_to_begin_again(client, sell, database, dialect, status):
    places = {"return_url": "https://shop.example/back", "embed_origin": "https://shop.example"}
    checkout = await opened(client, await sell(), **places, locale="de")
    async with database.transaction() as session:
        over = {"status": status, "expires_at": clock.now() - timedelta(seconds=1)}
        await session.execute(update(Checkout).values(over))
    answer = await seen(client, checkout, dialect)
    assert answer.status_code == 410
    body = answer.json()
    assert (body["error"], body["product_name"]) == ("ExpiredCheckoutError", "Pro Plan")
    assert (body["return_url"], body["restart_url"], body["locale"]) == ("https://shop.example/back", None, "de")
    assert body["organization"]["name"] == "Shop"
    assert body["embed_origin"] == "https://shop.example"


async def test_a_checkout_of_a_link_begins_again_at_the_link(client, sell, database):
    product = await sell()
    link = (await client.post("/v1/checkout-links/", json={"products": [str(product.id)]})).json()
    followed = await client.get(f"/v1/checkout-links/{link['client_secret']}/redirect")
    assert followed.headers["location"].startswith("https://shop.example/checkout/polar_c_")
    async with database.transaction() as session:
        await session.execute(update(Checkout).values(status="expired"))
    secret = followed.headers["location"].rpartition("/")[2]
    body = (await client.get(f"/v1/checkouts/client/{secret}")).json()
    assert body["restart_url"] == f"/v1/checkout-links/{link['client_secret']}/redirect"


async def test_the_page_of_a_checkout_confirms_it(client, sell):
    checkout = await opened(client, await sell())
    assert checkout["url"] == f"https://shop.example/checkout/{checkout['client_secret']}"
    assert checkout["success_url"] == f"{checkout['url']}/confirmation"
    own = await opened(client, await sell(), success_url="https://shop.example/thanks?id={CHECKOUT_ID}")
    assert own["success_url"] == f"https://shop.example/thanks?id={own['id']}"
    back = await client.patch(f"/v1/checkouts/{own['id']}", json={"success_url": None})
    assert back.json()["success_url"] == f"{own['url']}/confirmation"


async def test_pages_may_have_an_address_of_their_own(client, sell, settings, monkeypatch):
    monkeypatch.setattr(settings, "pages_url", "https://pay.example/")
    checkout = await opened(client, await sell())
    assert checkout["url"] == f"https://pay.example/checkout/{checkout['client_secret']}"


@pytest.mark.parametrize(
    ("address", "asks_all", "expected"),
    [
        (None, False, ("required", "disabled", "disabled", "disabled", "disabled", "disabled")),
        ({"country": "DE"}, False, ("required", "disabled", "disabled", "disabled", "disabled", "disabled")),
        ({"country": "DE"}, True, ("required", "disabled", "required", "optional", "required", "required")),
        ({"country": "CA", "state": "QC"}, False, ("required", "required") + ("disabled",) * 4),
        ({"country": "US", "state": "NY"}, False, ("required", "required", "required", "optional") + ("required",) * 2),
    ],
)
async def test_an_address_has_the_fields_of_its_country(client, sell, address, asks_all, expected):
    given = {"customer_billing_address": address, "require_billing_address": asks_all}
    checkout = await opened(client, await sell(), **given)
    assert tuple(checkout["billing_address_fields"][name] for name in ALL) == expected
    shown = await seen(client, checkout)
    assert shown.json()["billing_address_fields"] == checkout["billing_address_fields"]


async def test_a_form_has_the_public_key_and_the_intent_while_the_bank_asks(client, sell, database, sandbox):
    checkout = await opened(client, await sell())
    assert checkout["payment_processor_metadata"] == KEY
    answer = await confirmed(client, checkout, confirmation_token_id="pm_card_authenticationRequired")
    metadata = answer.json()["payment_processor_metadata"]
    assert metadata["intent_status"] == "requires_action"
    assert metadata["intent_client_secret"].startswith("pi_")
    assert (await seen(client, checkout)).json()["payment_processor_metadata"] == metadata | KEY
    async with database.transaction() as session:
        row = (await session.execute(select(Checkout))).scalar_one()
        row.succeed(clock.now())
    assert (await seen(client, checkout)).json()["payment_processor_metadata"] == KEY


async def test_a_page_has_the_look_of_its_seller(client, sell, bus, organization_id):
    look = {"brand_color": "#1a2b3c", "terms_url": "https://shop.example/terms"}
    await bus.deliver(seller_told(organization_id, 2, branding=look))
    checkout = await opened(client, await sell())
    branding = (await seen(client, checkout)).json()["organization"]["branding"]
    assert {name: value for name, value in branding.items() if value} == look
    shop = (await client.get(f"/v1/customer-portal/organizations/{organization_id}")).json()["organization"]
    assert shop["branding"] == branding
