"""Bad input to every route: the right 4xx in the one error shape, never a 5xx, and nothing half-written."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlencode

import aiohttp
from yarl import URL

from tests.end_to_end.openapi import UNKNOWN, choices, example, operations, spoiled, strange, wild

LISTS = ("products", "checkouts", "discounts", "benefits", "orders", "subscriptions", "payments", "license-keys")
FOREIGN = {"integrations:stripe_webhook", "checkout_links:redirect"}
"""They take names of their senders'."""


def has_error_shape(text):
    try:
        body = json.loads(text)
    except ValueError:
        return False
    return isinstance(body.get("error"), str) and ("detail" in body)


@asynccontextmanager
async def sender(client):
    """Sends as `client` does, and as it is told to: what is wrong about an address is not put right before.

    Gives a function that takes a name, a method, an address with its query, and a body; it returns what is bad about
    the answer, if anything is: no clear 4xx, or (where a value happened to be right) no success. It is aiohttp's client
    that sends, since thousands of requests take as long in httpx as in the services.
    """
    gate = asyncio.Semaphore(8)
    headers = {"Authorization": client.headers["Authorization"], "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def send(name, method, address, body=None):
            url = URL(f"{str(client.base_url).rstrip('/')}{address}", encoded=True)
            async with gate, session.request(method, url, data=body, allow_redirects=False) as answer:
                text = await answer.text(errors="replace")
                shapeless = answer.status >= 400 and not has_error_shape(text)
                return f"{name} → {answer.status} {text[:200]}" if answer.status >= 500 or shapeless else None

        yield send


async def test_wrong_bodies(nobody, stranger):
    document = (await nobody.get("/openapi.json")).json()
    requests = []
    for operation in operations(document):
        if operation.body is None:
            continue
        url, body = operation.url(client_secret="polar_c_none"), example(operation.body)
        bodies = list(spoiled(body))
        if isinstance(body, dict):
            bodies += [{**body, name: wrong} for name, wrong in wild(operation.body)]
        raw = [b"{", b"\xff\xfe", b"[" * 5000, b'{"a":NaN}', b"null", b'{"a":1}{"b":2}', b""]
        for sent in (*(json.dumps(spoilt).encode() for spoilt in bodies), *raw):
            requests.append((f"{operation.method} {url} {sent[:100]!r}", operation.method, url, sent))
    assert len(requests) > 1000
    async with sender(stranger) as send:
        found = await asyncio.gather(*(send(*request) for request in requests))
    assert [bad for bad in found if bad] == []


async def test_wrong_queries_and_paths(nobody, api):
    document = (await nobody.get("/openapi.json")).json()
    wrong = ("x", "-1", "1e400", "9" * 40, "%00", "\u0000", "' or 1=1 --", "../../etc/passwd", "", "💣" * 300)
    requests = []
    for operation in operations(document):
        names = [parameter["name"] for parameter in operation.parameters if parameter["in"] == "query"]
        if operation.method == "GET":
            path, _, needed = operation.url(client_secret="x").partition("?")
            for name in (*names, "metadata[a]", "metadata[", "unknown"):
                for value in wrong:
                    query = urlencode({**dict(parse_qsl(needed)), name: value})
                    requests.append((f"GET {operation.path}?{query[:60]}", "GET", f"{path}?{query}"))
        if "{" in operation.path and operation.method in {"GET", "DELETE", "PATCH"}:
            for value in ("x", "%00", "0" * 300, "..", "%2e%2e", "a%20b"):
                url = operation.path.replace("{id}", value).replace("{external_id}", value)
                url = url.replace("{client_secret}", value).replace("{activation_id}", value)
                body = b"{}" if operation.method == "PATCH" else None
                requests.append((f"{operation.method} {url}", operation.method, url, body))
    assert len(requests) > 1000
    async with sender(api) as send:
        found = await asyncio.gather(*(send(*request) for request in requests))
    assert [bad for bad in found if bad] == []


async def test_what_no_route_knows_is_refused_by_its_name(nobody, stranger, stranger_in_portal):
    document = (await nobody.get("/openapi.json")).json()
    queries, bodies, failures = 0, 0, []
    for operation in operations(document):
        if operation.id in FOREIGN:
            continue
        client = stranger_in_portal if operation.path.startswith("/v1/customer-portal/") else stranger
        url = operation.url(client_secret="polar_c_none")
        answer = await client.request(operation.method, f"{url}{'&' if '?' in url else '?'}{UNKNOWN}=1")
        queries += 1
        if not names(answer, "query"):
            failures.append(f"{operation.method} {url} query → {answer.status_code} {answer.text[:200]}")
        if operation.method == "GET":
            continue
        wholes = [body for choice in choices(operation.body or {}) for body in strange(choice, example(choice))]
        for body in wholes or [{UNKNOWN: 1}]:
            answer = await client.request(operation.method, url, json=body)
            bodies += 1
            if not names(answer, "body"):
                failures.append(f"{operation.method} {url} {body} → {answer.status_code} {answer.text[:200]}")
    assert failures == []
    assert queries > 150, f"only {queries} queries were tried"
    assert bodies > 150, f"only {bodies} bodies were tried"


def names(answer, part):
    """Whether an answer refuses the unknown field of a part of the request by its name."""
    if answer.status_code != 422:
        return False
    problems = answer.json()["detail"]
    return any(problem["loc"][0] == part and problem["loc"][-1] == UNKNOWN for problem in problems)


async def test_nothing_is_half_written(shop, stranger):
    before = [await shop.items(name) for name in LISTS]
    price = {"amount_type": "fixed", "price_amount": 100, "price_currency": "usd"}
    for path, body in (
        ("/v1/products/", {"name": "Half", "prices": [price, {**price, "price_amount": -1}]}),
        ("/v1/products/", {"name": "Half", "prices": [price, price]}),
        ("/v1/checkouts/", {"product_price_id": shop.price_id, "discount_code": "NONE"}),
        ("/v1/checkouts/", {"product_price_id": shop.price_id, "customer_billing_address": {"country": "XX"}}),
        ("/v1/discounts/", {"name": "Half", "type": "fixed", "amount": 100, "currency": "usd", "products": ["x"]}),
        ("/v1/benefits/", {"type": "license_keys", "description": "Half", "properties": {"limit_usage": 0}}),
    ):
        answer = await shop.api.post(path, json=body)
        assert answer.status_code == 422, f"{path}: {answer.text}"
    assert [await shop.items(name) for name in LISTS] == before


async def test_tokens(nobody, shop):
    paths = [f"/v1/{name}/" for name in LISTS]
    forged = [
        "", "Bearer", "Bearer x", "Basic eDp4", f"Bearer polar_oat_{'A' * 43}", "Bearer " + "x" * 5000,
        "Bearer polar_oat_\xff",
    ]  # fmt: skip
    for path in paths:
        for header in forged:
            answer = await nobody.get(path, headers=[(b"Authorization", header.encode("latin-1"))])
            assert answer.status_code == 401, f"{path} {header[:30]!r}: {answer.status_code} {answer.text}"
            assert answer.json()["error"] == "Unauthorized"


async def test_a_forged_principal_is_worth_nothing(nobody, stranger, shop, organization_id):
    claims = {"aud": "polar-services", "sub": organization_id, "kind": "organization", "org": [organization_id],
              "cus": None, "scope": "orders:read products:read", "exp": 4102444800}  # fmt: skip

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    token = f"{part({'alg': 'none'})}.{part(claims)}."
    for name in ("X-Polar-Principal", "x-polar-principal", "X_Polar_Principal"):
        answer = await nobody.get("/v1/orders/", headers={name: token})
        assert answer.status_code == 401
        answer = await stranger.get(f"/v1/products/{shop.product['id']}", headers={name: token})
        assert answer.status_code == 404
        answer = await nobody.get("/v1/checkouts/client/polar_c_none", headers={name: token})
        assert answer.status_code in {401, 404}


async def test_a_body_of_ten_megabytes(nobody, api):
    big = json.dumps({"name": "x" * 10_000_000})
    for client in (api, nobody):
        for path in ("/v1/products/", "/v1/checkouts/", "/v1/integrations/stripe/webhook"):
            answer = await client.post(path, content=big, headers={"Content-Type": "application/json"})
            assert answer.status_code == 413, f"{path}: {answer.status_code}"
            assert has_error_shape(answer.text)


async def test_unknown_paths_methods_and_versions(api):
    for method, path, status in (
        ("GET", "/v1/nothing/", 404),
        ("GET", "/nothing", 404),
        ("PUT", "/v1/products/", 405),
        ("DELETE", "/v1/orders/", 405),
        ("GET", "/internal/authenticate", 404),
        ("GET", "/_authenticate", 404),
    ):
        answer = await api.request(method, path)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code}"
        assert has_error_shape(answer.text), answer.text
    answer = await api.get("/v1/products/", headers={"Polar-Version": "1999-01"})
    assert answer.status_code == 404


async def test_both_forms_of_a_path_without_redirects(api):
    for path in ("/v1/products", "/v1/orders", "/v1/webhooks/endpoints", "/v1/license-keys"):
        for form in (path, f"{path}/"):
            answer = await api.get(form)
            assert (answer.status_code, answer.history) == (200, []), form
            assert answer.headers["X-Request-Id"]
