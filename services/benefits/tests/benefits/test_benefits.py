"""`/v1/benefits/`"""

import pytest
from contracts.benefits import BenefitCreatedV1, BenefitUpdatedV1


async def test_create_get_change_delete(client, stranger, story, bus):
    benefit = await story.benefit(metadata={"tier": "pro"})
    assert benefit["properties"]["activations"] == {"limit": 2, "enable_customer_admin": True}
    path = f"/v1/benefits/{benefit['id']}"
    assert (await client.get(path)).json() == benefit
    changed = await client.patch(path, json={"type": "license_keys", "description": "Better License"})
    assert changed.json()["description"] == "Better License"
    assert (await client.patch(path, json={"type": "custom"})).status_code == 422
    for method in ("GET", "PATCH", "DELETE"):
        assert (await stranger.request(method, path, json={})).status_code == 404
    assert (await stranger.get(f"{path}/grants")).status_code == 404
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert len(await bus.recorded(BenefitCreatedV1)) == 1
    assert [event.data.is_deleted for event in await bus.recorded(BenefitUpdatedV1)] == [False, True]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "nothing"}, "type"),
        ({"description": "ab"}, "description"),
        ({"description": "x" * 43}, "description"),
        ({"properties": {"activations": {"limit": 0}}}, "limit"),
        ({"properties": {"expires": {"ttl": 1, "timeframe": "century"}}}, "timeframe"),
        ({"properties": {"limit_usage": -1}}, "limit_usage"),
        ({"properties": {"prefix": "a b"}}, "prefix"),
        ({"properties": []}, "properties"),
    ],
)
async def test_bad_wishes_name_their_field(client, bus, fields, field):
    body = {"type": "license_keys", "description": "License", **fields}
    answer = await client.post("/v1/benefits/", json=body)
    assert answer.status_code == 422, answer.text
    assert any(field in problem["loc"] for problem in answer.json()["detail"]), answer.text
    assert await bus.all() == []


async def test_lists(client, story):
    keys = await story.benefit()
    custom = await story.benefit(type="custom", description="Thanks a lot", properties={"note": "hello"})
    aliased = await story.benefit(type="license_key")
    assert aliased["type"] == "license_keys"

    async def ids_of(**query):
        return [item["id"] for item in (await client.get("/v1/benefits/", params=query)).json()["items"]]

    assert await ids_of(type="custom") == [custom["id"]]
    assert await ids_of(query="THANKS") == [custom["id"]]
    assert await ids_of(sorting="created_at", limit=1) == [keys["id"]]
