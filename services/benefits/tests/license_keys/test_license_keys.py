"""`/v1/license-keys`: validate, activate and deactivate, within limits, also at once."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest
from benefits.license_keys.schemas import ValidatedLicenseKey
from contracts.benefits import BenefitGrantCycledV1, BenefitGrantUpdatedV1
from contracts.billing import SubscriptionActiveV1
from servicekit import clock, ids
from servicekit.auth import MEMBER
from servicekit.testing import signed_headers


@pytest.fixture
async def key(story):
    benefit = await story.benefit(
        properties={
            "prefix": "demo",
            "activations": {"limit": 2},
            "limit_usage": 10,
            "expires": {"ttl": 30, "timeframe": "day"},
        }
    )
    await story.bought_once(await story.product(benefit))
    return await story.key()


@pytest.fixture
def call(client, key):
    async def call(verb, portal=False, **fields):
        path = f"/v1/{'customer-portal/' if portal else ''}license-keys/{verb}"
        body = {"key": key["key"], "organization_id": key["organization_id"], **fields}
        return await client.post(path, json=body)

    return call


async def test_validate_counts(call, key):
    answer = await call("validate", increment_usage=4, benefit_id=key["benefit_id"], customer_id=key["customer_id"])
    body = answer.json()
    assert (answer.status_code, body["status"], body["usage"], body["validations"]) == (200, "granted", 4, 1)
    assert body["display_key"] == f"****-{key['key'][-6:]}"
    answer = await call("validate", increment_usage=7)
    assert (answer.status_code, answer.json()["error"]) == (400, "UsageLimitReached")
    assert (await call("validate")).json()["usage"] == 4


async def test_uses_at_once_never_exceed_the_limit(call):
    answers = await asyncio.gather(*(call("validate", increment_usage=1) for _ in range(25)))
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [400] * 15


async def test_the_last_slot_goes_to_one(call, client, key):
    answers = await asyncio.gather(*(call("activate", label=f"machine {number}") for number in range(12)))
    taken = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(taken) == 2
    assert {answer.status_code for answer in answers} == {200, 403}
    assert taken[0]["license_key"]["id"] == key["id"]
    shown = (await client.get(f"/v1/license-keys/{key['id']}")).json()
    assert {activation["id"] for activation in shown["activations"]} == {one["id"] for one in taken}
    path = f"/v1/license-keys/{key['id']}/activations/{taken[0]['id']}"
    assert (await client.get(path)).json()["label"] == taken[0]["label"]
    assert (await call("deactivate", activation_id=taken[0]["id"])).status_code == 204
    assert (await call("deactivate", activation_id=taken[0]["id"])).status_code == 404
    assert (await call("activate", label="another")).status_code == 200


async def test_conditions_are_repeated_exactly(call):
    activation = (await call("activate", label="m", conditions={"major": 1})).json()
    for conditions, status in (({"major": 1}, 200), ({"major": 2}, 404), ({}, 404)):
        answer = await call("validate", activation_id=activation["id"], conditions=conditions)
        assert answer.status_code == status
    assert (await call("validate", activation_id=str(ids.uuid7()))).status_code == 404


async def test_what_is_not_good(call, client, key, stranger):
    assert (await call("validate", key="DEMO-OTHER")).status_code == 404
    assert (await call("validate", benefit_id=str(ids.uuid7()))).status_code == 404
    assert (await call("validate", organization_id=str(ids.uuid7()))).status_code == 422
    assert (await call("validate", key="a\u0000b")).status_code == 422
    assert (await call("validate", increment_usage=2**40)).status_code == 422
    body = {"key": key["key"], "organization_id": key["organization_id"], "label": "m"}
    assert (await stranger.post("/v1/license-keys/validate", json=body)).status_code == 422
    path = f"/v1/license-keys/{key['id']}"
    assert (await client.patch(path, json={"status": "disabled"})).status_code == 200
    assert (await call("validate")).status_code == 404
    assert (await call("activate", label="m")).status_code == 404
    assert (await client.patch(path, json={"status": "granted"})).status_code == 200
    clock.move(timedelta(days=31))
    assert (await call("validate")).status_code == 404
    assert (await call("activate", label="m")).status_code == 403


async def test_the_software_asks_without_a_token(app, key):
    body = {"key": key["key"], "organization_id": key["organization_id"]}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as nobody:
        assert (await nobody.post("/v1/customer-portal/license-keys/validate", json=body)).status_code == 200
        made = await nobody.post("/v1/customer-portal/license-keys/activate", json={**body, "label": "laptop"})
        gone = {**body, "activation_id": made.json()["id"]}
        assert (await nobody.post("/v1/customer-portal/license-keys/deactivate", json=gone)).status_code == 204
        assert (await nobody.post("/v1/license-keys/validate", json=body)).status_code == 401
        body["organization_id"] = str(ids.uuid7())
        assert (await nobody.post("/v1/customer-portal/license-keys/validate", json=body)).status_code == 404


async def test_a_key_tells_a_stranger_nothing_of_its_customer(story, client, anonymous):
    """Anybody buys what is free with somebody's e-mail, reads the key on the page, and asks whose it is."""
    place = {"country": "DE", "city": "Geheimstadt", "line1": "Verborgene Gasse 7"}
    known = {
        "name": "Ada Lovelace", "billing_name": "Analytical Engines", "billing_address": place,
        "tax_id": ["DE123456788", "eu_vat"], "external_id": "crm-4711", "metadata": {"plan": "Geheimplan"},
        "default_payment_method_id": ids.uuid7(), "locale": "de-DE",
    }  # fmt: skip
    benefit = await story.benefit(properties={"activations": {"limit": 2}})
    await story.bought_once(await story.product(benefit), story.customer(**known))
    key = await story.key()
    body = {"key": key["key"], "organization_id": key["organization_id"]}
    asked = await anonymous.post("/v1/customer-portal/license-keys/validate", json=body)
    made = await anonymous.post("/v1/customer-portal/license-keys/activate", json={**body, "label": "laptop"})
    assert (asked.status_code, made.status_code) == (200, 200), asked.text
    private = ("Lovelace", "Analytical", "Geheim", "Verborgene", "DE123456788", "4711", "de-DE")
    for answer, customer in ((asked, asked.json()["customer"]), (made, made.json()["license_key"]["customer"])):
        assert [one for one in private if one in answer.text] == []
        assert (customer["id"], customer["email"]) == (key["customer_id"], "ada@example.com")
        assert customer["default_payment_method_id"] is None
    ValidatedLicenseKey.model_validate_json(asked.text)
    mine = (await client.post("/v1/license-keys/validate", json=body)).json()["customer"]
    assert (mine["name"], mine["external_id"], mine["metadata"]) == ("Ada Lovelace", "crm-4711", known["metadata"])


async def test_keys_of_subscriptions_last_as_long_as_they_are_renewed(story):
    benefit = await story.benefit(properties={"expires": {"ttl": 1, "timeframe": "day"}})
    product = await story.product(benefit)
    begins, ends = clock.now(), clock.now() + timedelta(days=14)
    trial = {"status": "trialing", "trial_start": begins, "trial_end": ends, "current_period_end": ends}
    data = story.subscription(product, **trial)
    await story.bus.deliver(story.event(SubscriptionActiveV1, data))
    key = await story.key()
    assert instant(key["expires_at"]) == ends + timedelta(days=2)
    active = await story.renewed(data, status="active", current_period_start=ends,
                                 current_period_end=ends + timedelta(days=30))  # fmt: skip
    assert instant((await story.key())["expires_at"]) == ends + timedelta(days=31)
    await story.renewed(active)
    renewed = await story.key()
    assert (renewed["key"], instant(renewed["expires_at"])) == (key["key"], ends + timedelta(days=61))
    assert [event.data.subscription_id for event in await story.bus.recorded(BenefitGrantCycledV1)] == [data.id] * 2
    body = {"key": key["key"], "organization_id": key["organization_id"], "label": "m"}
    answer = await story.client.post("/v1/license-keys/activate", json=body)
    assert (answer.status_code, answer.json()["error"]) == (403, "NotPermitted")


async def test_edits_of_a_benefit_reach_its_keys_but_not_what_was_set_on_one(story, client, work_off):
    benefit = await story.benefit(properties={"activations": {"limit": 2}, "limit_usage": 5})
    product = await story.product(benefit)
    for email in ("ada@example.com", "bob@example.com", "eve@example.com"):
        await story.bought_once(product, story.customer(email=email))
    first, second, third = (await client.get("/v1/license-keys/")).json()["items"]
    await client.patch(f"/v1/license-keys/{first['id']}", json={"status": "disabled"})
    await client.patch(f"/v1/license-keys/{second['id']}", json={"limit_usage": 100})
    await client.patch(f"/v1/license-keys/{third['id']}", json={"status": "revoked"})
    properties = {"activations": {"limit": 3}, "limit_usage": 7}
    await client.patch(f"/v1/benefits/{benefit['id']}", json={"properties": properties})
    await work_off()
    keys = {key["id"]: key for key in (await client.get("/v1/license-keys/")).json()["items"]}
    shown = [(keys[one["id"]]["status"], keys[one["id"]]["limit_activations"], keys[one["id"]]["limit_usage"])
             for one in (first, second, third)]  # fmt: skip
    assert shown == [("disabled", 3, 7), ("granted", 3, 100), ("revoked", 3, 7)]


def instant(text):
    return datetime.fromisoformat(text)


async def test_customers_see_their_own_keys_in_the_portal_and_no_others(client, key, organization_id):
    scopes = ("customer_portal:read",)
    own = signed_headers(organization_id, *scopes, customer_id=UUID(key["customer_id"]))
    path = "/v1/customer-portal/license-keys/"
    (shown,) = (await client.get(path, headers=own)).json()["items"]
    assert (shown["id"], shown["key"]) == (key["id"], key["key"])
    assert (shown["customer"]["metadata"], shown["customer"]["external_id"]) == ({}, None)
    got = await client.get(f"{path}{key['id']}", headers=own)
    assert (got.status_code, got.json()["activations"]) == (200, [])
    for foreign in (
        signed_headers(organization_id, *scopes, customer_id=ids.uuid7()),
        signed_headers(ids.uuid7(), *scopes, customer_id=UUID(key["customer_id"])),
    ):
        assert (await client.get(path, headers=foreign)).json()["items"] == []
        assert (await client.get(f"{path}{key['id']}", headers=foreign)).status_code == 404
    merchant = signed_headers(organization_id, *scopes)
    assert (await client.get(path, headers=merchant)).status_code == 403


async def test_holders_see_the_activations_where_the_seller_lets_them(call, client, key, organization_id):
    await call("activate", label="machine")
    own = signed_headers(organization_id, "customer_portal:read", customer_id=UUID(key["customer_id"]))
    path = f"/v1/customer-portal/license-keys/{key['id']}"
    assert [one["label"] for one in (await client.get(path, headers=own)).json()["activations"]] == ["machine"]
    closed = {"properties": {"activations": {"limit": 2, "enable_customer_admin": False}}, "type": "license_keys"}
    answer = await client.patch(f"/v1/benefits/{key['benefit_id']}", json=closed)
    assert answer.status_code == 200, answer.text
    assert (await client.get(path, headers=own)).json()["activations"] == []
    assert len((await client.get(f"/v1/license-keys/{key['id']}")).json()["activations"]) == 1


async def test_a_plain_member_sees_no_key_of_the_team(client, key, organization_id):
    member = signed_headers(organization_id, MEMBER, customer_id=UUID(key["customer_id"]), member_id=ids.uuid7())
    path = "/v1/customer-portal/license-keys/"
    assert (await client.get(path, headers=member)).json()["items"] == []
    assert (await client.get(f"{path}{key['id']}", headers=member)).status_code == 404
    assert (await client.post(f"{path}{key['id']}/rotate", headers=member)).status_code == 404
    grants = await client.get("/v1/customer-portal/benefit-grants/", headers=member)
    assert (grants.status_code, grants.json()["items"]) == (200, [])


async def test_a_rotated_key_keeps_everything_but_its_text(call, client, bus, key):
    await call("activate", label="machine")
    await call("validate", increment_usage=3)
    before = (await client.get(f"/v1/license-keys/{key['id']}")).json()
    rotated = (await client.post(f"/v1/license-keys/{key['id']}/rotate")).json()
    assert rotated["key"] != key["key"]
    assert rotated["key"].startswith("DEMO-")
    after = (await client.get(f"/v1/license-keys/{key['id']}")).json()
    changed = {"key", "display_key", "modified_at"}
    assert {name for name in after if after[name] != before[name]} == changed
    assert (await call("validate")).status_code == 404
    assert (await call("validate", key=rotated["key"])).status_code == 200
    (updated,) = await bus.recorded(BenefitGrantUpdatedV1)
    assert updated.data.properties == {"license_key_id": key["id"], "display_key": rotated["display_key"]}


@pytest.mark.parametrize("status", ["disabled", "revoked"])
async def test_a_key_that_is_not_good_cannot_be_rotated(client, key, status):
    path = f"/v1/license-keys/{key['id']}"
    await client.patch(path, json={"status": status})
    answer = await client.post(f"{path}/rotate")
    assert (answer.status_code, answer.json()["error"]) == (400, "BadRequest")
    assert (await client.get(path)).json()["key"] == key["key"]


async def test_only_its_customer_and_merchant_rotate_a_key(client, key, organization_id):
    own = signed_headers(organization_id, "customer_portal:write", customer_id=UUID(key["customer_id"]))
    other = signed_headers(organization_id, "customer_portal:write", customer_id=ids.uuid7())
    reading = signed_headers(organization_id, "customer_portal:read", customer_id=UUID(key["customer_id"]))
    path = f"/v1/customer-portal/license-keys/{key['id']}/rotate"
    assert (await client.post(path, headers=other)).status_code == 404
    assert (await client.post(path, headers=reading)).status_code == 403
    stranger = signed_headers(ids.uuid7(), "license_keys:write")
    assert (await client.post(f"/v1/license-keys/{key['id']}/rotate", headers=stranger)).status_code == 404
    assert (await client.post(path, headers=own)).json()["key"] != key["key"]


async def test_rotating_at_once_leaves_one_good_key(client, key):
    path = f"/v1/license-keys/{key['id']}"
    answers = await asyncio.gather(*(client.post(f"{path}/rotate") for _ in range(5)))
    texts = {answer.json()["key"] for answer in answers}
    assert len(texts) == 5
    assert (await client.get(path)).json()["key"] in texts


async def test_a_validation_is_one_statement_and_answers_as_documented(call, client, key, database, monkeypatch):
    activation = (await call("activate", label="Büro „1“", conditions={"major": 1}, meta={"os": "x"})).json()
    sent = []
    for name in ("count", "write"):
        own = getattr(database, name)

        async def counted(statement, *values, own=own):
            sent.append(statement)
            return await own(statement, *values)

        monkeypatch.setattr(database, name, counted)
    answer = await call("validate", activation_id=activation["id"], conditions={"major": 1}, increment_usage=1)
    assert (answer.status_code, len(sent)) == (200, 1)
    assert ValidatedLicenseKey.model_validate_json(answer.text).model_dump(mode="json") == answer.json()
    assert answer.json()["activation"]["label"] == "Büro „1“"
    shown = (await client.get(f"/v1/license-keys/{key['id']}")).json()
    assert {name for name in shown if shown[name] != answer.json().get(name)} == {"activations"}
    assert (await call("validate", benefit_id=str(ids.uuid7()))).status_code == 404
    assert len(sent) == 3


async def test_uses_of_a_key_without_a_limit_never_overflow(call, client, key):
    await client.patch(f"/v1/license-keys/{key['id']}", json={"limit_usage": None, "usage": 2**31 - 2})
    assert (await call("validate", increment_usage=1)).status_code == 200
    assert (await call("validate", increment_usage=1)).json()["error"] == "UsageLimitReached"


async def test_a_repeated_key_counts_once(client, key):
    body = {"key": key["key"], "organization_id": key["organization_id"], "increment_usage": 2}
    for _ in range(2):
        answer = await client.post("/v1/license-keys/validate", json=body, headers={"Idempotency-Key": "once"})
        assert (answer.status_code, answer.json()["usage"]) == (200, 2)
    assert (await client.get(f"/v1/license-keys/{key['id']}")).json()["usage"] == 2
