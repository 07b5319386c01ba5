"""`/v1/events/`: batches are kept once, whole or not at all, and listed to their owner alone."""

import asyncio
import json
from datetime import timedelta

import pytest
from metering.event_types import operations as event_types
from metering.event_types.timers import fold_tallies
from servicekit import clock, ids

EVENTS = "/v1/events/"
COST = {"amount": "0.25", "currency": "USD"}


def used(name="call", customer="user-1", **fields):
    return {"name": name, "external_customer_id": customer, **fields}


async def sent(client, *events):
    answer = await client.post(f"{EVENTS}ingest", json={"events": list(events)})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(client, **query):
    answer = await client.get(EVENTS, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_batch_is_kept_once_and_listed_latest_first(client, stranger):
    batch = [
        used(external_id=f"e{n}", timestamp=f"2026-01-0{n + 1}T00:00:00+02:00", metadata={"n": n}) for n in range(3)
    ]
    assert await sent(client, *batch) == {"inserted": 3, "duplicates": 0}
    assert await sent(client, *batch, used(external_id="e3")) == {"inserted": 1, "duplicates": 3}
    assert await sent(client) == {"inserted": 0, "duplicates": 0}
    page = await listed(client, limit=2)
    assert (page["pagination"]["total_count"], page["items"][0]["external_id"]) == (4, "e3")
    second = page["items"][1]
    assert (second["timestamp"], second["metadata"]) == ("2026-01-02T22:00:00Z", {"n": 2})
    assert (second["source"], second["label"], second["customer"]) == ("user", "call", None)
    assert (await client.get(EVENTS + second["id"])).json() == second
    assert (await stranger.get(EVENTS + second["id"])).status_code == 404
    assert (await listed(stranger))["items"] == []
    assert await sent(stranger, *batch) == {"inserted": 3, "duplicates": 0}


@pytest.mark.parametrize(
    "nested",
    [
        "NaN", "-Infinity", "1e999", '"\\ud800"', '{"\\udfff": 1}', "[NaN]", '{"a": {"b": {"c": {}}}}',
    ],
)  # fmt: skip
async def test_metadata_that_no_json_has_is_named(client, nested):
    body = json.dumps({"events": [used(metadata={"k": {"inner": "NESTED"}})]}).replace('"NESTED"', nested)
    answer = await client.post(f"{EVENTS}ingest", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"][:4] == ["body", "events", 0, "metadata"]


async def test_a_deep_body_is_refused_before_it_is_validated(client):
    body = json.dumps({"events": [used(metadata={"k": "NESTED"})]}).replace('"NESTED"', "[" * 200 + "]" * 200)
    answer = await client.post(f"{EVENTS}ingest", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body"])


async def test_nested_metadata_is_kept_as_it_came(client):
    metadata = {"k": {"inner": {"n": [1, 2.5, True, None, "ü🙂", {"m": "x"}]}}, "_x": 12345678901234567}
    assert await sent(client, used(metadata=metadata)) == {"inserted": 1, "duplicates": 0}
    assert (await listed(client))["items"][0]["metadata"] == metadata


@pytest.mark.parametrize("known", [False, True])
async def test_a_crash_before_the_commit_keeps_no_event(client, monkeypatch, known):
    """Else a repeated batch would be all duplicates, and its names counted never."""
    batch = [used(external_id=f"e{n}") for n in range(3)]
    before = [await sent(client, batch[0])] if known else []

    async def die(*_):
        raise ConnectionError("killed")

    monkeypatch.setattr(event_types, "tally", die)
    answer = await client.post(f"{EVENTS}ingest", json={"events": batch})
    assert answer.status_code == 503
    assert (await listed(client))["pagination"]["total_count"] == len(before)
    monkeypatch.undo()
    assert await sent(client, *batch) == {"inserted": 3 - len(before), "duplicates": len(before)}


async def test_the_same_batch_from_two_senders_at_once_is_kept_once(client):
    batch = [used(external_id=f"e{n}") for n in range(200)]
    answers = await asyncio.gather(*(sent(client, *batch) for _ in range(4)))
    assert sum(answer["inserted"] for answer in answers) == 200
    assert (await listed(client))["pagination"]["total_count"] == 200


async def test_one_bad_event_refuses_the_batch_and_every_one_is_named(client, introduce):
    foreign = await introduce(organization_id=ids.uuid7())
    future = (clock.now() + timedelta(hours=1)).isoformat()
    for bad, loc in (
        ({"name": "call"}, ["body", "events", 1]),
        (used(customer_id=str(ids.uuid7())), ["body", "events", 1]),
        (used(name=""), ["body", "events", 1, "name"]),
        (used(timestamp=future), ["body", "events", 1, "timestamp"]),
        (used(timestamp="2026-01-01T00:00:00"), ["body", "events", 1, "timestamp"]),
        (used(organization_id=str(ids.uuid7())), ["body", "events", 1, "organization_id"]),
        ({"name": "call", "customer_id": str(foreign.id)}, ["body", "events", 1, "customer_id"]),
        (used(parent_id="nobody"), ["body", "events", 1, "parent_id"]),
        (used(metadata={"_cost": {"amount": "much"}}), ["body", "events", 1, "metadata"]),
    ):
        refused = await client.post(f"{EVENTS}ingest", json={"events": [used(), bad]})
        assert refused.status_code == 422, (bad, refused.text)
        assert refused.json()["detail"][0]["loc"][: len(loc)] == loc
    both = await client.post(f"{EVENTS}ingest", json={"events": [used(name=""), used(), used(name="")]})
    assert {problem["loc"][2] for problem in both.json()["detail"]} == {0, 2}
    many = await client.post(f"{EVENTS}ingest", json={"events": [used()] * 1001})
    assert many.status_code == 422
    assert (await listed(client))["items"] == []


async def test_customers_are_found_by_either_id_also_when_they_come_later(client, introduce):
    await sent(client, used(customer="user-7"))
    (before,) = (await listed(client))["items"]
    assert (before["customer_id"], before["external_customer_id"]) == (None, "user-7")
    ada = await introduce("user-7")
    await sent(client, {"name": "call", "customer_id": str(ada.id)}, used(customer="user-8"))
    for query in ({"customer_id": str(ada.id)}, {"external_customer_id": "user-7"}):
        items = (await listed(client, **query))["items"]
        assert [item["customer"]["id"] for item in items] == [str(ada.id)] * 2
        assert {item["external_customer_id"] for item in items} == {"user-7"}


async def test_events_are_parts_of_others(client):
    await sent(client, used("chat", external_id="c1"), used("token", parent_id="c1"), used("token", parent_id="c1"))
    (chat,) = (await listed(client, name="chat"))["items"]
    assert (chat["child_count"], chat["parent_id"]) == (2, None)
    children = (await listed(client, parent_id=chat["id"]))["items"]
    assert [child["parent_id"] for child in children] == [chat["id"]] * 2
    await sent(client, used("token", parent_id=chat["id"]))
    assert (await client.get(EVENTS + chat["id"])).json()["child_count"] == 3


async def test_filters(client):
    await sent(
        client,
        used(metadata={"model": "small", "tokens": 10, "deep": {"a": True}, "_cost": COST}),
        used("mail", customer="user-2", metadata={"model": "large", "tokens": "10"}),
    )  # fmt: skip
    for query, count in (
        ({"name": "mail"}, 1), ({"query": "MAI"}, 1), ({"metadata[model]": "small"}, 1), ({"source": "system"}, 0),
        ({"start_timestamp": "2030-01-01T00:00:00Z"}, 0), ({"end_timestamp": "2030-01-01T00:00:00Z"}, 2),
        ({"external_customer_id": ["user-1", "user-2"]}, 2),
    ):  # fmt: skip
        assert len((await listed(client, **query))["items"]) == count, query

    async def count(conjunction, *clauses):
        clauses = [dict(zip(("property", "operator", "value"), clause, strict=True)) for clause in clauses]
        return len((await listed(client, filter=json.dumps({"conjunction": conjunction, "clauses": clauses})))["items"])

    assert await count("and") == 2
    assert await count("and", ("tokens", "eq", 10)) == 1
    assert await count("and", ("tokens", "eq", "10")) == 1
    assert await count("and", ("metadata.tokens", "gte", 10), ("name", "eq", "call")) == 1
    assert await count("or", ("tokens", "lt", 10), ("model", "like", "arg")) == 1
    assert await count("and", ("model", "not_like", "arg")) == 1
    assert await count("and", ("deep.a", "eq", True)) == 1
    assert await count("and", ("deep.a", "ne", True)) == 0
    assert await count("and", ("_cost.currency", "eq", "usd")) == 1
    assert await count("and", ("timestamp", "gt", 0)) == 2
    for wrong in ("[", '{"conjunction":"xor","clauses":[]}'):
        refused = await client.get(EVENTS, params={"filter": wrong})
        assert refused.json()["detail"][0]["loc"] == ["query", "filter"]


async def test_names_and_types_are_counted_and_folding_changes_nothing(client, stranger, database, introduce):
    ada = await introduce("user-1")
    for n in range(3):
        await sent(client, used(timestamp=f"2026-01-0{n + 1}T00:00:00Z"), used("mail", customer="user-2"))
    names = (await client.get(f"{EVENTS}names", params={"sorting": "name"})).json()
    call = names["items"][0]
    assert (call["name"], call["occurrences"], call["first_seen"]) == ("call", 3, "2026-01-01T00:00:00Z")
    assert await fold_tallies(database.transaction) == 2
    assert await fold_tallies(database.transaction) == 0
    assert (await client.get(f"{EVENTS}names", params={"sorting": "name"})).json() == names
    of_ada = (await client.get(f"{EVENTS}names", params={"customer_id": str(ada.id)})).json()["items"]
    assert [(item["name"], item["occurrences"]) for item in of_ada] == [("call", 3)]
    types = (await client.get("/v1/event-types/", params={"sorting": "name"})).json()["items"]
    path = f"/v1/event-types/{types[0]['id']}"
    labelled = await client.patch(path, json={"label": "API call"})
    assert labelled.json()["label"] == "API call"
    assert (await stranger.patch(path, json={"label": "mine"})).status_code == 404
    assert (await listed(client, name="call"))["items"][0]["label"] == "API call"
    assert (await stranger.get("/v1/event-types/")).json()["items"] == []
