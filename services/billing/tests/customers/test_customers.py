"""`/v1/customers/`"""

import asyncio
from urllib.parse import quote

import pytest
from contracts.billing import CustomerCreatedV1, CustomerDeletedV1, CustomerUpdatedV1, SubscriptionRevokedV1
from servicekit import ids

SDK = {"Polar-Version": "2026-10"}
JANE = {
    "email": "newcustomer@example.com",
    "name": "Jane Smith",
    "external_id": "user_67890",
    "metadata": {"company": "Acme Corp", "employee_count": "50-100"},
    "billing_address": {
        "line1": "456 Oak Ave",
        "city": "New York",
        "state": "NY",
        "postal_code": "10001",
        "country": "US",
    },
}


async def made(client, **changes):
    answer = await client.post("/v1/customers/", json={**JANE, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_create_get_change_delete(client, stranger, bus):
    customer = await made(client, tax_id="US123456789")
    assert customer["billing_address"]["state"] == "NY"
    assert customer["tax_id"] == "US123456789"
    path = f"/v1/customers/{customer['id']}"
    assert (await client.get(path)).json() == customer
    assert (await client.get("/v1/customers/external/user_67890")).json() == customer
    sdk = (await client.get(path, headers=SDK)).json()
    assert (sdk["tax_id"], sdk["billing_address"]["state"]) == (["US123456789", "us_ein"], "US-NY")
    changed = await client.patch(path, json={"name": "Jane", "metadata": {"a": 1}})
    assert (changed.json()["name"], changed.json()["metadata"]) == ("Jane", {"a": 1})
    for method, body in (("GET", None), ("PATCH", {"name": "Eve"}), ("DELETE", None)):
        assert (await stranger.request(method, path, json=body)).status_code == 404
        assert (await stranger.request(method, "/v1/customers/external/user_67890", json=body)).status_code == 404
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    for contract in (CustomerCreatedV1, CustomerUpdatedV1, CustomerDeletedV1):
        assert len(await bus.recorded(contract)) == 1
    assert (await made(client))["id"] != customer["id"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": None}, "email"),
        ({"name": "x" * 300}, "name"),
        ({"metadata": {"x" * 41: 1}}, "metadata"),
        ({"metadata": {"a": None}}, "a"),
        ({"billing_address": {"country": "US", "state": "ZZ"}}, "billing_address"),
        ({"billing_address": {"country": "KP"}}, "country"),
        ({"organization_id": str(ids.uuid7())}, "organization_id"),
        ({"external_id": ""}, "external_id"),
        ({"owner": {"email": "owner@example.com"}}, "owner"),
        ({"type": "team", "owner": {"email": "owner@example.com", "role": "member"}}, "role"),
    ],
)
async def test_bad_wishes_name_their_field(client, bus, changes, field):
    answer = await client.post("/v1/customers/", json={**JANE, **changes})
    assert answer.status_code == 422, answer.text
    assert any(field in problem["loc"] for problem in answer.json()["detail"]), answer.text
    assert await bus.all() == []


async def test_an_email_is_one_customer(client, stranger):
    await made(client)
    for clash in ({"external_id": "other"}, {"external_id": "other", "email": "NEWCUSTOMER@example.com"}):
        answer = await client.post("/v1/customers/", json={**JANE, **clash})
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "email"])
    answer = await client.post("/v1/customers/", json={**JANE, "email": "other@example.com"})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "external_id"])
    assert (await stranger.post("/v1/customers/", json=JANE)).status_code == 201
    answers = await asyncio.gather(
        *(client.post("/v1/customers/", json={"email": "twin@example.com"}) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 7


async def test_what_polar_does_not_let_change(client):
    customer = await made(client)
    path = f"/v1/customers/{customer['id']}"
    for change in ({"external_id": "other"}, {"billing_address": None}):
        assert (await client.patch(path, json=change)).status_code == 422
    assert (await client.patch(path, json={"external_id": "user_67890"})).status_code == 200


async def test_search(client):
    jane = await made(client)
    john = await made(client, email="john@doe.example", name="100% John_", external_id="j")

    async def found(**query):
        return [item["id"] for item in (await client.get("/v1/customers/", params=query)).json()["items"]]

    assert await found(query="JOHN") == [john["id"]]
    assert await found(query="user_6") == [jane["id"]]
    assert await found(query="%") == [john["id"]]
    assert await found(query="_j") == []
    assert await found(email="NEWcustomer@example.com") == [jane["id"]]
    assert await found(sorting="email") == [john["id"], jane["id"]]
    assert await found(**{"metadata[company]": "Acme Corp"}) == [john["id"], jane["id"]]
    body = await client.request("GET", "/v1/customers/", json={"query": "jane", "page": 1, "limit": 50})
    assert [item["id"] for item in body.json()["items"]] == [jane["id"]]
    assert body.json()["pagination"] == {"page": 1, "page_size": 50, "total_count": 1, "max_page": 1}


async def test_active_customers_have_a_subscription(client, bus, purchased):
    jane = await made(client)
    event = purchased()
    await bus.deliver(event)

    async def found(active):
        listed = await client.get("/v1/customers/", params={"active": active})
        return [item["id"] for item in listed.json()["items"]]

    (buyer,) = await found(True)
    assert await found(False) == [jane["id"]]
    assert (await client.delete(f"/v1/subscriptions/{event.data.subscription_id}")).status_code == 200
    assert await found(True) == []
    assert sorted(await found(False)) == sorted([jane["id"], buyer])


async def test_an_external_id_with_a_slash(client):
    for external_id in ("a/b", "a/b/state", "a%2Fb", "/", "50% ü"):
        customer = await made(client, email=f"{ids.uuid7().hex}@example.com", external_id=external_id)
        path = f"/v1/customers/external/{quote(external_id, safe='')}"
        assert (await client.get(path)).json()["id"] == customer["id"]
        assert (await client.get(f"{path}/state")).json()["id"] == customer["id"]
        assert (await client.patch(path, json={"name": "Slash"})).json()["name"] == "Slash"
        assert (await client.delete(path)).status_code == 204


async def test_anonymizing_is_refused_and_deletes_nothing(client):
    customer = await made(client)
    path = f"/v1/customers/{customer['id']}"
    answer = await client.delete(path, params={"anonymize": True})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "anonymize"])
    assert (await client.get(path)).status_code == 200
    assert (await client.delete(path, params={"anonymize": False})).status_code == 204


async def test_deleting_ends_subscriptions(client, bus, purchased):
    event = purchased()
    await bus.deliver(event)
    (customer,) = (await client.get("/v1/customers/")).json()["items"]
    assert (await client.delete(f"/v1/customers/{customer['id']}")).status_code == 204
    (revoked,) = await bus.recorded(SubscriptionRevokedV1)
    assert revoked.subject == event.data.subscription_id
    answer = (await client.get(f"/v1/subscriptions/{event.data.subscription_id}")).json()
    assert answer["status"] == "canceled"
