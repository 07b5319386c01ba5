"""Every field and filter that takes an id gets another organization's: 404, 422 or nothing, and never its data."""

import asyncio
from collections.abc import Container, Iterator
from typing import Any

import httpx
import pytest
from servicekit.testing import eventually

from tests.end_to_end.openapi import Operation, choices, example, operations, resolved
from tests.security.attacks.people import PATIENCE, Seller, address

MARK = "canary-of-the-victim"
"""Stands in each text of what is the victim's: no answer to another organization may have it."""
KINDS = {
    "benefits": "benefit", "exclude_id": "order", "id": "organization", "ids": "product", "products": "product",
    "webhook_endpoint": "endpoint", "parent": "event", "product_price": "price",
}  # fmt: skip
"""What a field means whose name, without `_id`, is not the kind itself."""
PORTAL = "/v1/customer-portal/"
RANGE = {"start_date": "2026-01-01", "end_date": "2026-12-31", "interval": "month"}

NEEDED: dict[str, Any] = {
    "/v1/checkout-links/": {"products": ["product"]},
    "/v1/checkouts/": {"products": ["product"]},
    "/v1/discounts/": {"name": "Ten", "type": "percentage", "basis_points": 1000},
    "/v1/files/": {"mime_type": "a/b"},
    "/v1/organization-access-tokens/": {"scopes": ["orders:read"]},
    "/v1/customer-sessions/": {"customer_id": "customer"},
    "/v1/events/ingest": {"customer_id": "customer"},
    "/v1/meters/": {"aggregation": {"func": "count"}},
}
"""What makes an operation's smallest body right: a kind stands for the attacker's own id."""
IN_PROPERTIES = [
    ({"type": "downloadables", "description": "x", "properties": {"files": ["file"]}}, "files"),
]
"""Benefits whose properties have ids: the document says no more of them than that they are an object."""
AS_GIVEN = {"/v1/events/ingest": {"member_id"}}
"""Ids that metering keeps on an event as they were sent: they name nothing of its own."""


def kind_of(name: str) -> str:
    """What kind of id a field takes."""
    bare = name.removesuffix("_id")
    return KINDS.get(name) or KINDS.get(bare) or bare


async def resources(call: Any, organization_id: str, mark: str) -> dict[str, str]:
    """One resource of each kind that fields name, made by who `call` speaks for; `mark` stands in its texts."""
    price = {"amount_type": "fixed", "price_amount": 1000, "price_currency": "usd"}
    body: dict[str, Any] = {"name": mark, "recurring_interval": "month", "prices": [price], "visibility": "private"}
    product = await call("POST", "/v1/products/", body)
    key = {"type": "license_keys", "description": mark, "properties": {"activations": {"limit": 1}}}
    benefit = await call("POST", "/v1/benefits/", key)
    customer = await call("POST", "/v1/customers/", {"email": address(mark), "name": mark, "type": "team"})
    discount = {"name": mark, "type": "percentage", "basis_points": 1000}
    terms = {"conjunction": "and", "clauses": []}
    meter = {"name": mark, "filter": terms, "aggregation": {"func": "count"}}
    hook = {"url": "https://example.com/hook", "events": ["order.paid"], "name": mark}
    found = {
        "organization": organization_id,
        "product": product["id"],
        "price": product["prices"][0]["id"],
        "benefit": benefit["id"],
        "customer": customer["id"],
        "discount": (await call("POST", "/v1/discounts/", discount))["id"],
        "meter": (await call("POST", "/v1/meters/", meter))["id"],
        "endpoint": (await call("POST", "/v1/webhooks/endpoints/", hook))["id"],
    }
    field = {"type": "text", "slug": mark.replace("_", "-"), "name": mark}
    found["custom_field"] = (await call("POST", "/v1/custom-fields/", field))["id"]
    checkout = {"products": [product["id"]], "customer_email": address(mark)}
    found["checkout"] = (await call("POST", "/v1/checkouts/", checkout))["id"]
    return found


async def sold(seller: Seller) -> dict[str, str]:
    """What exists only after a purchase: order, subscription, payment method, event, member and activation."""
    key = await seller.call("POST", "/v1/benefits/", {
        "type": "license_keys", "description": MARK, "properties": {"activations": {"limit": 2}},
    })  # fmt: skip
    product = await seller.product(1000, recurring_interval="month")
    await seller.call("POST", f"/v1/products/{product['id']}/benefits", {"benefits": [key["id"]]})
    bought = await seller.bought(product, address(MARK))
    (order,) = await seller.until("orders", checkout_id=bought["id"])
    (subscription,) = await seller.until("subscriptions", customer_id=order["customer_id"])
    (card,) = await seller.until(f"customers/{order['customer_id']}/payment-methods")
    (license_key, *_) = await seller.until("license-keys", benefit_id=key["id"])
    wish = {"key": license_key["key"], "organization_id": seller.organization_id, "label": MARK}
    activation = await seller.call("POST", "/v1/license-keys/activate", wish)
    await seller.call("POST", "/v1/events/ingest", {"events": [{"name": MARK, "customer_id": order["customer_id"]}]})
    (event, *_) = await seller.until("events", name=MARK)
    await seller.call("PATCH", f"/v1/customers/{order['customer_id']}", {"type": "team"})
    (member, *_) = await seller.until(f"customers/{order['customer_id']}/members")
    return {
        "order": order["id"], "subscription": subscription["id"], "payment_method": card["id"],
        "activation": activation["id"], "event": event["id"], "member": member["id"],
    }  # fmt: skip


@pytest.fixture(scope="module")
async def foreign(seller: Seller) -> dict[str, str]:
    """The victim's ids, by kind."""
    return {**await resources(seller.call, seller.organization_id, MARK), **await sold(seller)}


@pytest.fixture(scope="module")
async def own(other: httpx.AsyncClient, other_organization: dict[str, str]) -> dict[str, str]:
    """The attacker's own, so that the one foreign id is all that is wrong about a request."""

    async def call(method: str, path: str, body: Any) -> Any:
        answer = await other.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    return await resources(call, other_organization["organization_id"], "attacker")


def takes_id(schema: Any) -> bool:
    """Whether a schema is an id, or a list of ids."""
    return any(
        choice.get("format") == "uuid" or any(inner.get("format") == "uuid" for inner in choices(choice["items"]))
        if choice.get("type") == "array"
        else choice.get("format") == "uuid"
        for choice in choices(schema)
    )


def filled(schema: Any, own: dict[str, str]) -> Any:
    """The smallest body, with the attacker's own resources where it needs some."""
    body = example(schema)
    if isinstance(body, dict):
        for name in body:
            if takes_id(schema["properties"][name]) and kind_of(name) in own:
                body[name] = shaped(schema["properties"][name], own[kind_of(name)])
    return body


def shaped(schema: Any, id: str) -> Any:
    """An id as the field takes it: alone, or in a list."""
    return id if any(choice.get("format") == "uuid" for choice in choices(schema)) else [id]


def named(value: Any, ids: dict[str, str]) -> Any:
    """A value in which kinds stand for ids."""
    if isinstance(value, dict):
        return {name: named(inner, ids) for name, inner in value.items()}
    if isinstance(value, list):
        return [named(inner, ids) for inner in value]
    return ids.get(value, value) if isinstance(value, str) else value


def attacks(
    schema: Any, own: dict[str, str], foreign: dict[str, str], needed: dict[str, Any], as_given: Container[str] = ()
) -> Iterator[tuple[str, Any]]:
    """Bodies that are right but for one foreign id, with the name of its field: in themselves and in each part.

    `needed` joins each object that has one of its fields.
    """
    for choice in choices(schema):
        if choice.get("type") == "array":
            yield from ((name, [inner]) for name, inner in attacks(choice["items"], own, foreign, needed, as_given))
        fields = choice.get("properties", {})
        body = filled(choice, own)
        if fields:
            body |= {name: value for name, value in needed.items() if name in fields}
        for name, field in fields.items():
            if takes_id(field) and name not in as_given:
                if name.startswith("product_"):
                    body.pop("products", None)  # of the three, one says what is sold
                yield name, {**body, name: shaped(field, foreign[kind_of(name)])}
            else:
                yield from (
                    (inner, {**body, name: value}) for inner, value in attacks(field, own, foreign, needed, as_given)
                )


def paths(operation: Operation, own: dict[str, str]) -> str:
    """The operation's address with the attacker's own resources."""
    parts = operation.path.split("/")
    resource = parts[parts.index("{id}") - 1].rstrip("s") if "{id}" in parts else ""
    id = own.get(resource.replace("-", "_"))
    return operation.url(client_secret="polar_c_none", **({"id": id} if id else {}))


async def asked(
    client: httpx.AsyncClient, requests: list[tuple[str, httpx.Request]]
) -> list[tuple[str, httpx.Response]]:
    """Sends requests, some at a time: an id that a service does not know is waited for, since it may be on its way.

    `Retry-After` says to ask again, as clients do: a busy service has no connection for a moment.
    """
    gate = asyncio.Semaphore(16)

    async def send(name: str, request: httpx.Request) -> tuple[str, httpx.Response]:
        async with gate:
            answer = await eventually(
                lambda: client.send(request), until=lambda answer: "retry-after" not in answer.headers, seconds=PATIENCE
            )
        return f"{request.method} {request.url.path} {name}: {answer.status_code} {answer.text[:300]}", answer

    return await asyncio.gather(*(send(*one) for one in requests))


async def test_fields_of_bodies(other: httpx.AsyncClient, own: dict[str, str], foreign: dict[str, str]) -> None:
    document = (await other.get("/openapi.json")).json()
    requests = []
    for operation in operations(document):
        if operation.body is None or operation.path.startswith(PORTAL) or operation.method == "GET":
            continue
        needed = named(NEEDED.get(operation.path, {}), own)
        for name, body in attacks(operation.body, own, foreign, needed, AS_GIVEN.get(operation.path, ())):
            requests.append((name, other.build_request(operation.method, paths(operation, own), json=body)))
    ids = {**foreign, "file": foreign["product"]}
    requests += [
        (name, other.build_request("POST", "/v1/benefits/", json=named(body, ids))) for body, name in IN_PROPERTIES
    ]
    answers = await asked(other, requests)
    assert [line for line, answer in answers if MARK in answer.text or not 400 <= answer.status_code < 500] == []
    assert len(answers) > 60, f"only {len(answers)} fields were tried"


async def test_filters(other: httpx.AsyncClient, own: dict[str, str], foreign: dict[str, str]) -> None:
    document = (await other.get("/openapi.json")).json()
    requests = []
    for operation in operations(document):
        if operation.method != "GET" or operation.path.startswith(PORTAL):
            continue
        for parameter in operation.parameters:
            name = parameter["name"]
            is_filter = parameter["in"] == "query" and not name.startswith("exclude")
            if is_filter and takes_id(resolved(parameter["schema"], document)):
                params = {**(RANGE if operation.path.startswith("/v1/metrics") else {}), name: foreign[kind_of(name)]}
                address = paths(operation, own).partition("?")[0]
                requests.append((name, other.build_request("GET", address, params=params)))
    answers = await asked(other, requests)
    assert [line for line, answer in answers if not shows_nothing(answer)] == []
    assert len(answers) > 40, f"only {len(answers)} filters were tried"


def shows_nothing(answer: httpx.Response) -> bool:
    """Whether an answer has nothing of the victim's, and no resource at all."""
    if MARK in answer.text or answer.status_code not in {200, 404, 422}:
        return False
    return answer.headers["content-type"] != "application/json" or not answer.json().get("items")
