"""The consent to delivery at once: who is asked for it, and what a confirmation keeps and publishes of it."""

import pytest
from contracts.checkout import CheckoutSucceededV1
from contracts.identity import ConsumerRight, ConsumerRights

from services.checkout.tests.support import confirmed, opened, seller_told

WORDING = "2026-12-01"


async def shown(anonymous, checkout):
    """What the page is offered."""
    answer = await anonymous.get(f"/v1/checkouts/client/{checkout['client_secret']}")
    assert answer.status_code == 200, answer.text
    return answer.json()["consumer_rights"]


def living_in(country, **more):
    return {"customer_billing_address": {"country": country}, **more}


@pytest.mark.parametrize(
    ("product", "buyer", "asked"),
    [
        ({"interval": None}, living_in("DE"), WORDING),
        ({}, living_in("NO"), WORDING),
        ({}, living_in("GB"), WORDING),
        ({"interval": None}, {}, None),
        ({"interval": None}, {"customer_billing_address": {"country": "US", "state": "CA"}}, None),
        ({"interval": None}, living_in("DE", is_business_customer=True), None),
        ({"interval": None, "amount": 0}, living_in("DE"), None),
    ],
)
async def test_consumers_of_some_countries_are_asked(client, anonymous, known_seller, sell, product, buyer, asked):
    checkout = await opened(client, await sell(**product), **buyer)
    rights = await shown(anonymous, checkout)
    assert rights["immediate_delivery_consent"] == asked
    assert rights["cancellation"] is ("interval" not in product)


@pytest.mark.parametrize(
    ("rights", "asked", "withdrawal"),
    [
        ({"immediate_delivery_consent": ConsumerRight(enabled=False)}, None, True),
        ({"withdrawal": ConsumerRight(countries={"DE": False})}, None, False),
        ({"withdrawal": ConsumerRight(countries={"FR": False})}, WORDING, True),
    ],
)
async def test_the_seller_decides_by_country(
    client, anonymous, bus, known_seller, sell, organization_id, rights, asked, withdrawal
):
    await bus.deliver(seller_told(organization_id, 2, consumer_rights=ConsumerRights(**rights)))
    shown_rights = await shown(anonymous, await opened(client, await sell(), **living_in("DE")))
    assert (shown_rights["immediate_delivery_consent"], shown_rights["withdrawal"]) == (asked, withdrawal)


async def test_it_is_published_with_instant_version_and_country(client, anonymous, bus, known_seller, sell, sandbox):
    checkout = await opened(client, await sell(interval=None), **living_in("DE"))
    body = {"confirmation_token_id": "pm_card_visa", "immediate_delivery_consent": WORDING, "locale": "de"}
    answer = await anonymous.post(f"/v1/checkouts/client/{checkout['client_secret']}/confirm", json=body)
    assert answer.status_code == 200, answer.text
    (purchase,) = [event.data for event in await bus.recorded(CheckoutSucceededV1)]
    consent = purchase.immediate_delivery_consent
    assert (consent.wording, consent.country, consent.locale) == (WORDING, "DE", "de")
    assert consent.consented_at == purchase.confirmed_at
    assert (await shown(anonymous, checkout))["withdrawal"] is False


async def test_without_it_the_purchase_is_made_and_the_right_stays(client, anonymous, bus, known_seller, sell, sandbox):
    """Clients of today do not know the field."""
    checkout = await opened(client, await sell(interval=None), **living_in("DE", is_business_customer=False))
    assert (await confirmed(client, checkout)).status_code == 200
    (purchase,) = [event.data for event in await bus.recorded(CheckoutSucceededV1)]
    assert (purchase.immediate_delivery_consent, purchase.is_business_customer) == (None, False)
    assert (await shown(anonymous, checkout))["withdrawal"] is True


async def test_it_belongs_to_the_confirmation_that_pays(client, bus, known_seller, sell, sandbox):
    checkout = await opened(client, await sell(interval=None), **living_in("DE"))
    declined = {"confirmation_token_id": "pm_card_chargeDeclined", "immediate_delivery_consent": WORDING}
    assert (await confirmed(client, checkout, **declined)).status_code == 400
    assert (await confirmed(client, checkout)).status_code == 200
    (purchase,) = [event.data for event in await bus.recorded(CheckoutSucceededV1)]
    assert purchase.immediate_delivery_consent is None


@pytest.mark.parametrize("version", ["", "2020-01-01", True, {"wording": WORDING}])
async def test_a_text_that_nobody_shows_is_refused(client, known_seller, sell, sandbox, version):
    checkout = await opened(client, await sell(), **living_in("DE"))
    answer = await confirmed(client, checkout, immediate_delivery_consent=version)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "immediate_delivery_consent"])
