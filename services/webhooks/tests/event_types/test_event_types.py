"""`/v1/webhooks/event-types`: what the catalogue shows is what is sent, and what the official SDKs load."""

import importlib
import json

import jsonschema_rs
import pytest
from contracts.registry import PUBLIC
from polar.v2026_10.literals import WebhookEventType
from servicekit import clock
from standardwebhooks import Webhook
from webhooks.deliveries.operations import Attempt
from webhooks.endpoints.models import new_secret
from webhooks.endpoints.schemas import ALIASES, NAMES
from webhooks.event_types.examples import BY_NAME, example
from webhooks.events import rendering

SDK = set(WebhookEventType.__args__)
OWN = {"webhook_endpoint.disabled", "checkout.decline_rate_exceeded"}
"""What the suite says beyond the SDKs."""
SDKS = {
    version: importlib.import_module(f"polar.v{version.replace('-', '_')}.webhooks")
    for version in ("2026-04", "2026-10", "2027-01")
}
"""Imported before any of them loads a payload: each import has the SDK build all of its loaders anew, for seconds."""


async def test_the_catalogue_has_every_public_event(client, anonymous):
    page = (await client.get("/v1/webhooks/event-types?limit=100")).json()
    assert {item["name"] for item in page["items"]} == {event.name for event in PUBLIC}
    for item in page["items"]:
        jsonschema_rs.validator_for(item["payload_schema"], validate_formats=True).validate(item["example"])
        assert item["description"]
        assert item["example"]["type"] == item["name"]
    (granted,) = (await client.get("/v1/webhooks/event-types?name=benefit.granted")).json()["items"]
    assert (granted["name"], granted["aliases"]) == ("benefit_grant.created", ["benefit.granted"])
    assert (await anonymous.get("/v1/webhooks/event-types")).status_code == 401
    second = (await client.get("/v1/webhooks/event-types?limit=5&page=2")).json()
    assert [item["name"] for item in second["items"]] == [item["name"] for item in page["items"]][5:10]


def test_endpoints_may_ask_for_every_type_that_the_sdks_know():
    assert set(NAMES) >= SDK
    assert set(BY_NAME) - SDK == OWN
    assert len(SDK) == 42


@pytest.mark.parametrize("version", SDKS)
@pytest.mark.parametrize("name", sorted(set(BY_NAME) & SDK))
def test_each_type_s_example_verifies_and_loads_with_the_sdks(name, version):
    secret = new_secret()
    event = example(name)
    if name == "customer.state_changed":
        # In a state's subscriptions the SDKs know the statuses of license keys only: their generator took a name twice.
        event.data = event.data.model_copy(update={"active_subscriptions": []})
    body = rendering.body(event, version, name, "raw")
    now = clock.now()
    attempt = Attempt(event.id, event.id, event.organization_id, "https://example.com", (secret,), body, 0, now, 0)
    headers = attempt.headers(now)
    payload = SDKS[version].validate_event(body, headers, secret)
    assert (payload.type, payload.api_version) == (name, version)
    assert Webhook(secret).verify(body, headers) == json.loads(body)


def test_seats_are_shown_as_the_version_has_them():
    event = example("product.created")
    price = event.data.prices[0].model_copy(
        update={
            "amount_type": "seat_based",
            "price_amount": None,
            "seat_tiers": {
                "seat_tier_type": "graduated",
                "tiers": [
                    {"min_seats": 1, "max_seats": 10, "price_per_seat": 500},
                    {"min_seats": 11, "max_seats": None, "price_per_seat": 400},
                ],
                "minimum_seats": 1,
                "maximum_seats": None,
            },
        }
    )
    event.data = event.data.model_copy(update={"prices": [price]})
    new = json.loads(rendering.body(event, "2027-01", event.name, "raw"))["data"]["prices"][0]
    assert new["tiers"] == {
        "type": "graduated", "tiers": [{"bound": 10, "unit_amount": "500"}, {"bound": None, "unit_amount": "400"}]
    }  # fmt: skip
    assert (new["minimum_units"], new["maximum_units"]) == (1, None)
    old = json.loads(rendering.body(event, "2026-10", event.name, "raw"))["data"]["prices"][0]
    assert old["tiers"] is None
    for version, sdk in SDKS.items():
        secret = new_secret()
        body = rendering.body(event, version, event.name, "raw")
        now = clock.now()
        attempt = Attempt(event.id, event.id, event.organization_id, "", (secret,), body, 0, now, 0)
        loaded = sdk.validate_event(body, attempt.headers(now), secret).data.prices[0]
        assert type(loaded).__name__ == "ProductPriceSeatBased"


async def test_a_test_event_on_demand(client, stranger, endpoint, receiver, deliver):
    path = f"/v1/webhooks/endpoints/{endpoint['id']}/test"
    assert (await stranger.post(path)).status_code == 404
    answer = await client.post(path, json={"event_type": "order.paid"})
    assert answer.status_code == 202, answer.text
    assert await deliver() == 1
    ((headers, body),) = receiver.requests
    payload = json.loads(body)
    assert (payload["type"], payload["is_test"]) == ("order.paid", True)
    assert headers["webhook-id"] == answer.json()["id"]
    assert Webhook(endpoint["secret"]).verify(body, {name.lower(): value for name, value in headers.items()})
    await client.post(path)
    await client.post(path)
    assert await deliver() == 2, "tests do not wait for each other"
    assert json.loads(receiver.requests[-1][1])["type"] == "benefit.created"
    assert (await client.post(path, json={"event_type": "odd"})).status_code == 422
    await client.patch(f"/v1/webhooks/endpoints/{endpoint['id']}", json={"enabled": False})
    refused = await client.post(path)
    assert (refused.status_code, refused.json()["error"]) == (409, "WebhookEndpointDisabled")


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(BY_NAME)))
async def test_what_nobody_says_yet_cannot_be_tested(client, endpoint, name):
    answer = await client.post(f"/v1/webhooks/endpoints/{endpoint['id']}/test", json={"event_type": name})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "event_type"])


def test_aliases_are_of_events_that_exist():
    assert set(ALIASES.values()) <= set(BY_NAME)
