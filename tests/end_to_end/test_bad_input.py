"""Bad input to every route: the right 4xx in the one error shape, never a 5xx, and nothing half-written."""

import asyncio
import base64
import json

from tests.end_to_end.openapi import example, operations, spoiled, wild

LISTS = ("products", "checkouts", "discounts", "benefits", "orders", "subscriptions", "payments", "license-keys")


def has_error_shape(answer):
    try:
        body = answer.json()
    except ValueError:
        return False
    return isinstance(body.get("error"), str) and ("detail" in body)


async def checked(answers, allowed=range(200, 500)):
    """The answers that are no clear 4xx (or, where a value happened to be right, a success)."""
    bad = []
    for name, answer in answers:
        wrong = answer.status_code not in allowed
        shapeless = answer.status_code >= 400 and not has_error_shape(answer)
        if wrong or shapeless:
            bad.append(f"{name} → {answer.status_code} {answer.text[:200]}")
    return bad


async def in_parallel(requests, limit=8):
    gate = asyncio.Semaphore(limit)

    async def one(name, request):
        async with gate:
            return name, await request()

    return await asyncio.gather(*(one(name, request) for name, request in requests))


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
        for spoilt in bodies:
            text = json.dumps(spoilt)

            def send(method=operation.method, url=url, text=text):
                return stranger.request(method, url, content=text, headers={"Content-Type": "application/json"})

            requests.append((f"{operation.method} {url} {text[:100]}", send))
        for raw in (b"{", b"\xff\xfe", b"[" * 5000, b'{"a":NaN}', b"null", b'{"a":1}{"b":2}', b""):

            def send_raw(method=operation.method, url=url, raw=raw):
                return stranger.request(method, url, content=raw, headers={"Content-Type": "application/json"})

            requests.append((f"{operation.method} {url} {raw[:20]!r}", send_raw))
    assert len(requests) > 1000
    assert await checked(await in_parallel(requests)) == []


async def test_wrong_queries_and_paths(nobody, api):
    document = (await nobody.get("/openapi.json")).json()
    wrong = ("x", "-1", "1e400", "9" * 40, "%00", "\u0000", "' or 1=1 --", "../../etc/passwd", "", "💣" * 300)
    requests = []
    for operation in operations(document):
        names = [parameter["name"] for parameter in operation.parameters if parameter["in"] == "query"]
        for name in (*names, "metadata[a]", "metadata[", "unknown"):
            for value in wrong:

                def send(method=operation.method, url=operation.url(client_secret="x"), name=name, value=value):
                    return api.request(method, url, params={name: value}) if method == "GET" else api.get("/healthz")

                if operation.method == "GET":
                    requests.append((f"GET {operation.path}?{name}={value[:40]!r}", send))
        if "{" in operation.path and operation.method in {"GET", "DELETE", "PATCH"}:
            for value in ("x", "%00", "0" * 300, "..", "%2e%2e", "a b"):
                url = operation.path.replace("{id}", value).replace("{external_id}", value)
                url = url.replace("{client_secret}", value).replace("{activation_id}", value)

                def send_path(method=operation.method, url=url):
                    return api.request(method, url, json={} if method == "PATCH" else None)

                requests.append((f"{operation.method} {url}", send_path))
    assert len(requests) > 1000
    assert await checked(await in_parallel(requests)) == []


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
            assert has_error_shape(answer)


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
        assert has_error_shape(answer), answer.text
    answer = await api.get("/v1/products/", headers={"Polar-Version": "1999-01"})
    assert answer.status_code == 404


async def test_both_forms_of_a_path_without_redirects(api):
    for path in ("/v1/products", "/v1/orders", "/v1/webhooks/endpoints", "/v1/license-keys"):
        for form in (path, f"{path}/"):
            answer = await api.get(form)
            assert (answer.status_code, answer.history) == (200, []), form
            assert answer.headers["X-Request-Id"]
