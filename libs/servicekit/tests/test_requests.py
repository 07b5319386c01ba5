"""The edge of a request: the transaction, the guards, the dialects, the lists."""

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from servicekit import clock, ids, routing
from servicekit.database import Database
from servicekit.inputs import Ignored, Input
from servicekit.routing import ResourceRouter
from servicekit.testing import eventually
from servicekit.testing.harness import Bus, signed_headers
from servicekit.testing.plugin import Token
from sqlalchemy import func, select, text


async def count(database: Database, notes: type) -> int:
    async with database.transaction() as session:
        return (await session.execute(select(func.count()).select_from(notes))).scalar_one()


async def test_a_change_and_its_event_are_committed_together(
    client: httpx.AsyncClient, database: Database, bus: Bus, notes: type
) -> None:
    assert (await client.post("/v1/notes/", json={"text": "kept"})).status_code == 201
    assert (await count(database, notes), await bus.names()) == (1, ["organization.created"])
    assert (await client.post("/v1/notes/", json={"text": "refused"})).status_code == 400
    crashed = await client.post("/v1/notes/", json={"text": "crash"})
    assert (crashed.status_code, crashed.json()["error"]) == (500, "InternalServerError")
    assert "fault of our own" not in crashed.text
    assert (await count(database, notes), len(await bus.all())) == (1, 1)


async def test_a_failed_commit_is_never_answered_with_success(
    client: httpx.AsyncClient, database: Database, notes: type
) -> None:
    async with database.transaction() as session:
        await session.execute(text("alter table notes add constraint once unique (text) deferrable initially deferred"))
    try:
        first = await client.post("/v1/notes/", json={"text": "once"})
        second = await client.post("/v1/notes/", json={"text": "once"})
        assert (first.status_code, second.status_code) == (201, 500)
    finally:
        async with database.transaction() as session:
            await session.execute(text("alter table notes drop constraint once"))


@pytest.mark.parametrize("path", ["/v1/notes", "/v1/notes/"])
async def test_both_slash_forms_answer_without_a_redirect(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200
    assert (await client.post(path, json={"text": "x"})).status_code == 201


async def test_the_stranger_sees_nothing(client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    note = (await client.post("/v1/notes/", json={"text": "mine"})).json()
    assert (await stranger.get(f"/v1/notes/{note['id']}")).status_code == 404
    assert (await stranger.delete(f"/v1/notes/{note['id']}")).status_code == 404
    assert (await stranger.get("/v1/notes/")).json()["items"] == []
    assert (await client.get(f"/v1/notes/{note['id']}")).json()["text"] == "mine in seed"


async def test_pages_do_not_overlap_and_limits_are_clamped(client: httpx.AsyncClient) -> None:
    for number in range(7):
        await client.post("/v1/notes/", json={"text": f"n{number}", "size": number % 2})
    seen = []
    for page in (1, 2, 3):
        answer = (await client.get("/v1/notes/", params={"page": page, "limit": 3, "sorting": "size"})).json()
        seen += [item["text"] for item in answer["items"]]
        assert answer["pagination"] == {"page": page, "page_size": 3, "total_count": 7, "max_page": 3}
    assert sorted(seen) == [f"n{number}" for number in range(7)]
    assert (await client.get("/v1/notes/?limit=5000")).json()["pagination"]["page_size"] == 100
    beyond = (await client.get("/v1/notes/?page=1000000")).json()
    assert (beyond["items"], beyond["pagination"]["total_count"]) == ([], 7)
    assert (await client.get("/v1/notes/?page=99999999999999999999")).status_code == 422
    wrong = await client.get("/v1/notes/?sorting=-created_at,secret")
    assert (wrong.status_code, wrong.json()["detail"][0]["loc"]) == (422, ["query", "sorting"])


async def test_a_get_body_filters_and_the_query_wins(client: httpx.AsyncClient) -> None:
    for body in ({"text": "a", "size": 500}, {"text": "b", "metadata": {"campaign": "x"}}):
        await client.post("/v1/notes/", json=body)

    async def listed(query: str, body: str) -> list[str]:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await client.request("GET", f"/v1/notes/{query}", content=body, headers=headers)
        assert answer.status_code == 200
        return sorted(item["text"] for item in answer.json()["items"])

    assert await listed("", '{"text": "a", "page": 1}') == ["a"]
    assert await listed("?text=b", '{"text": "a"}') == ["b"]
    assert await listed("", '{"big": true}') == ["a"]
    assert await listed("", '{"metadata": {"campaign": "x"}}') == ["b"]
    assert await listed("?metadata[campaign]=x", "") == ["b"]
    assert await listed("", '{"metadata": {"campaign": ["y", "x"]}}') == ["b"]
    assert await listed("", "{}") == ["a", "b"]


@pytest.mark.parametrize("body", ["not json", "[1]", "[" * 5000, '{"text": "' + "a" * 9000 + '"}'])
async def test_a_get_body_that_is_no_filter_is_refused(client: httpx.AsyncClient, body: str) -> None:
    answer = await client.request("GET", "/v1/notes/", content=body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body"])


@pytest.mark.parametrize(
    ("method", "path", "body", "loc"),
    [
        ("GET", "/v1/notes/?teext=a", "", ["query", "teext"]),
        ("GET", "/v1/notes?text=a&text[]=b", "", ["query", "text[]"]),
        ("GET", "/v1/notes/?metadata=a", "", ["query", "metadata"]),
        ("GET", f"/v1/notes/?metadata[{'k' * 41}]=a", "", ["query", f"metadata[{'k' * 41}]"]),
        ("GET", "/v1/notes/", '{"text": "a", "teext": "a"}', ["query", "teext"]),
        ("POST", "/v1/notes/?text=a", '{"text": "a"}', ["query", "text"]),
        ("POST", "/v1/notes/", '{"text": "a", "teext": "a"}', ["body", "teext"]),
        ("POST", "/v1/notes/", '{"text": "a", "size": true}', ["body", "size"]),
        ("POST", "/v1/notes/", '{"text": "a", "size": "3"}', ["body", "size"]),
        ("DELETE", "/v1/notes/{id}", '{"force": true}', ["body", "force"]),
        ("DELETE", "/v1/notes/{id}", "[1]", ["body"]),
        ("DELETE", "/v1/notes/{id}", "force", ["body"]),
    ],
)
async def test_what_a_route_does_not_declare_is_refused_by_its_name(
    client: httpx.AsyncClient, database: Database, notes: type, method: str, path: str, body: str, loc: list[str]
) -> None:
    note = (await client.post("/v1/notes/", json={"text": "kept", "size": 3.0})).json()
    headers = {"content-type": "application/json"}
    answer = await client.request(method, path.replace("{id}", note["id"]), content=body, headers=headers)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, loc)
    assert await count(database, notes) == 1


async def test_a_body_that_says_nothing_is_no_body(client: httpx.AsyncClient) -> None:
    for body in ("", " ", "{}", "null"):
        note = (await client.post("/v1/notes/", json={"text": "x"})).json()
        assert (await client.request("DELETE", f"/v1/notes/{note['id']}", content=body)).status_code == 204


async def test_a_call_back_declares_that_the_names_are_its_senders(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/notes/call-back?a=1&b[c]=2", content='{"x": 1}')
    assert answer.json() == {"body": '{"x": 1}', "query": [["a", "1"], ["b[c]", "2"]]}


def test_a_route_whose_body_drops_unknown_fields_is_not_added() -> None:
    class Inner(BaseModel):
        text: str

    class Outer(Input):
        parts: dict[str, list[Inner | None]]

    async def write(body: Outer) -> None:
        raise AssertionError(body)

    with pytest.raises(TypeError, match="Inner drops unknown fields"):
        ResourceRouter("/open", "open").add_api_route("/", write, methods=["POST"])


def test_a_field_of_earlier_clients_is_taken_and_dropped() -> None:
    class Body(Input):
        text: str
        owner: Ignored = None

    assert Body.model_validate({"text": "a", "owner": {"any": 1}}).model_dump() == {"text": "a"}
    assert Body.model_json_schema()["properties"]["owner"]["deprecated"] is True


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"text": "a\\u0000b"}', 422),
        (b'{"text": "a\x00b"}', 422),
        (b'{"text": "\\ud800"}', 422),
        (b'{"text": "x", "size": 99999999999999999999999}', 422),
        (b'{"text": "x", "size": 3000000000}', 422),
        (b'{"text": "x", "size": 1' + b"0" * 5000 + b"}", 422),
        (b'{"text": 1}', 422),
        (b'{"text": "' + b"x" * 21 + b'"}', 422),
        (b"{", 422),
        (b"[" * 100_000, 422),
        (b"\xff\xfe", 422),
        (b'{"text": "' + b"x" * 1_100_000 + b'"}', 413),
        (b"", 422),
    ],
)
async def test_bad_bodies_are_refused_and_write_nothing(
    client: httpx.AsyncClient, database: Database, notes: type, content: bytes, status: int
) -> None:
    answer = await client.post("/v1/notes/", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert set(answer.json()) >= {"error", "detail"}
    assert await count(database, notes) == 0


async def test_bad_paths_and_queries_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/notes/not-a-uuid")).status_code == 422
    assert (await client.get("/v1/notes/?text=%00")).status_code == 422
    assert (await client.get("/v1/nothing")).json() == {"error": "ResourceNotFound", "detail": "Not Found"}
    assert (await client.put("/v1/notes/")).status_code == 405


async def test_dialects_and_request_ids_are_named_in_the_answer(client: httpx.AsyncClient) -> None:
    note = (await client.post("/v1/notes/", json={"text": "n"})).json()
    path = f"/v1/notes/{note['id']}"
    assert (await client.get(path)).headers["polar-version"] == "seed"
    newer = await client.get(path, headers={"Polar-Version": "2026-10", "X-Request-Id": "abc-12345"})
    assert (newer.headers["polar-version"], newer.headers["x-request-id"]) == ("2026-10", "abc-12345")
    assert newer.json()["text"] == "n in 2026-10"
    assert (await client.get(path, headers={"Polar-Version": "1999-01"})).status_code == 404
    injected = await client.get(path, headers={"X-Request-Id": "a b"})
    assert injected.headers["x-request-id"] != "a b"


async def test_an_idempotency_key_gives_the_first_answer_again(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, database: Database, notes: type, bus: Bus
) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = await client.post("/v1/notes/", json={"text": "once"}, headers=key)
    again = await client.post("/v1/notes", json={"text": "once"}, headers=key)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    other = await client.post("/v1/notes/", json={"text": "twice"}, headers=key)
    assert (other.status_code, other.json()["detail"][0]["type"]) == (422, "idempotency_error")
    assert (await stranger.post("/v1/notes/", json={"text": "once"}, headers=key)).json() != first.json()
    assert (await count(database, notes), len(await bus.all())) == (2, 2)


async def test_a_stored_answer_is_for_who_may_make_the_request(
    app: FastAPI, client: httpx.AsyncClient, organization_id: UUID
) -> None:
    key = {"Idempotency-Key": "order-2"}
    assert (await client.post("/v1/notes/", json={"text": "secret"}, headers=key)).status_code == 201
    weak = httpx.AsyncClient(
        transport=client._transport, base_url=client.base_url, auth=Token(organization_id, "orders:read")
    )
    refused = await weak.post("/v1/notes/", json={"text": "secret"}, headers=key)
    assert (refused.status_code, refused.json()["error"]) == (403, "NotPermitted")
    nobody = httpx.AsyncClient(transport=client._transport, base_url=client.base_url)
    assert (await nobody.post("/v1/notes/", json={"text": "secret"}, headers=key)).status_code == 401


async def test_an_answer_with_a_secret_is_given_to_its_own_token_alone(
    client: httpx.AsyncClient, organization_id: UUID
) -> None:
    key = {"Idempotency-Key": "secret-1"}
    first, other = (signed_headers(organization_id, "notes:write") for _ in range(2))
    made = await client.post("/v1/notes/secret", headers=key | first)
    assert (await client.post("/v1/notes/secret", headers=key | first)).json() == made.json()
    assert (await client.post("/v1/notes/secret", headers=key | other)).json() != made.json()


async def test_a_caller_that_waited_is_not_refused_because_it_waited(
    app: FastAPI, client: httpx.AsyncClient, held: Any
) -> None:
    """The principal lives for a minute: a request that arrived in time is served, however late it is its turn."""
    waiting = asyncio.create_task(client.post("/v1/notes/late"))

    async def begun() -> int:
        return int(held.begun)

    await eventually(begun)
    clock.move(timedelta(minutes=2))
    held.may_end.set()
    try:
        assert (await waiting).status_code == 200
    finally:
        clock.reset()


async def test_a_refusal_is_stored_and_a_crash_is_not(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    assert (await client.post("/v1/notes/", json={"text": "refused"}, headers=key)).status_code == 400
    assert (await client.post("/v1/notes/", json={"text": "refused"}, headers=key)).status_code == 400
    key = {"Idempotency-Key": "c"}
    assert (await client.post("/v1/notes/", json={"text": "crash"}, headers=key)).status_code == 500
    assert (await client.post("/v1/notes/", json={"text": "crash"}, headers=key)).status_code == 500


async def test_parallel_requests_with_one_key_write_once(
    client: httpx.AsyncClient, database: Database, notes: type
) -> None:
    for path, body in (("/v1/notes/", {"text": "once"}), ("/v1/notes/slow", None)):
        key = {"Idempotency-Key": path}
        answers = await asyncio.gather(*(client.post(path, json=body, headers=key) for _ in range(12)))
        statuses = {answer.status_code for answer in answers}
        assert statuses <= {200, 201, 409}
        assert len({answer.content for answer in answers if answer.status_code != 409}) == 1
    assert await count(database, notes) == 2


async def test_an_empty_answer_can_be_replayed(client: httpx.AsyncClient) -> None:
    note = (await client.post("/v1/notes/", json={"text": "n"})).json()
    key = {"Idempotency-Key": "gone"}
    statuses = [(await client.delete(f"/v1/notes/{note['id']}", headers=key)).status_code for _ in range(2)]
    assert statuses == [204, 204]


async def test_health_says_what_is_missing(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    ready = await client.get("/readyz")
    assert ready.status_code in {200, 503}
    assert set(ready.json()) <= {"status", "broker"}


async def test_a_database_without_a_free_connection_is_503_for_the_request_alone(
    app: FastAPI, client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This client raises what is raised behind the answer: a server writes its stack into the log."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    client = httpx.AsyncClient(transport=transport, base_url=client.base_url, auth=client.auth)
    pool = database.engine.sync_engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.05)
    async with AsyncExitStack() as held:
        for _ in range(pool.size()):  # type: ignore[attr-defined]
            await held.enter_async_context(database.engine.connect())
        answer = await client.post("/v1/notes/", json={"text": "n"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["error"] == "ServiceUnavailable"
    assert (await client.post("/v1/notes/", json={"text": "n"})).status_code == 201


async def test_a_404_that_was_too_early_is_not_kept(
    client: httpx.AsyncClient, database: Database, notes: type, organization_id: UUID
) -> None:
    late, key = ids.uuid7(), {"Idempotency-Key": "early"}
    assert (await client.delete(f"/v1/notes/{late}", headers=key)).status_code == 404
    async with database.transaction() as session:
        session.add(notes(id=late, organization_id=organization_id, text="late", size=1, user_metadata={}))
    assert (await client.delete(f"/v1/notes/{late}", headers=key)).status_code == 204


async def _begun(held: Any) -> int:
    return int(held.begun)


async def _claims_are_out_of_date(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("update idempotency_keys set claimed_until = now() - interval '1 second'"))


async def test_the_key_of_a_killed_request_is_free_after_its_claim(
    client: httpx.AsyncClient, database: Database, notes: type, held: Any
) -> None:
    key = {"Idempotency-Key": "killed"}
    killed = asyncio.create_task(client.post("/v1/notes/", json={"text": "long"}, headers=key))
    await eventually(lambda: _begun(held), until=lambda count: count == 1)
    assert (await client.post("/v1/notes/", json={"text": "long"}, headers=key)).status_code == 409
    await _claims_are_out_of_date(database)
    # The first request was not dead at all: of the two answers one alone may be kept.
    taker = asyncio.create_task(client.post("/v1/notes/", json={"text": "long"}, headers=key))
    await eventually(lambda: _begun(held), until=lambda count: count == 2)
    held.may_end.set()
    first, second = await asyncio.gather(killed, taker)
    assert sorted((first.status_code, second.status_code)) == [201, 409]
    assert await count(database, notes) == 1
    again = await client.post("/v1/notes/", json={"text": "long"}, headers=key)
    kept = first if first.status_code == 201 else second
    assert (again.status_code, again.content) == (201, kept.content)


async def test_a_long_request_renews_its_claim(
    client: httpx.AsyncClient, database: Database, notes: type, held: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "RENEW_SECONDS", 0.1)
    key = {"Idempotency-Key": "renewed"}
    long = asyncio.create_task(client.post("/v1/notes/", json={"text": "long"}, headers=key))

    async def claimed_until() -> datetime | None:
        async with database.transaction() as session:
            return (await session.execute(text("select claimed_until from idempotency_keys"))).scalar_one_or_none()

    first = await eventually(claimed_until)
    await eventually(claimed_until, until=lambda renewed: renewed is not None and renewed > first)
    assert (await client.post("/v1/notes/", json={"text": "long"}, headers=key)).status_code == 409
    held.may_end.set()
    assert (await long).status_code == 201
    assert await count(database, notes) == 1
