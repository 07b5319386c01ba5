"""Another organization's token: 404 for each single resource and empty lists, over every route of the document."""

import os
from uuid import uuid4

import pytest
from servicekit.testing import eventually

from tests.end_to_end.conftest import caller
from tests.end_to_end.openapi import example, operations

PORTAL = "/v1/customer-portal/"
EVERYBODYS = {"/v1/webhooks/event-types/"}
"""Lists that are the same for every organization."""
_RANGE = {"start_date": "2026-01-01", "end_date": "2026-12-31", "interval": "month"}
REQUIRED = {"/v1/metrics/": _RANGE, "/v1/metrics/export": _RANGE}
"""Query parameters that an operation does not answer without."""


@pytest.fixture(scope="session")
async def owned(shop, stack):
    """The ids of one resource of each kind, by the name of their collection."""
    checkout = await shop.checkout()
    bought = await shop.confirm(await shop.checkout())
    ids = bought.json()
    await shop.settled(ids)
    discount = await shop.call("POST", "/v1/discounts/", {"name": "Ten", "type": "percentage", "basis_points": 1000})
    (grant,) = await shop.items("benefit-grants", subscription_id=ids["subscription_id"])
    key_id = grant["properties"]["license_key_id"]
    key = await shop.call("GET", f"/v1/license-keys/{key_id}")
    wish = {"key": key["key"], "organization_id": shop.organization_id, "label": "machine"}
    activation = await shop.call("POST", "/v1/license-keys/activate", wish)
    external = f"external-{ids['customer_id']}"
    await shop.call("PATCH", f"/v1/customers/{ids['customer_id']}", {"external_id": external, "type": "team"})
    (member,) = await shop.items(f"customers/{ids['customer_id']}/members")
    usage = {"events": [{"name": "owned.call", "external_customer_id": external}]}
    await shop.call("POST", "/v1/events/ingest", usage)
    (used,) = await shop.items("events", name="owned.call")
    (kind,) = await shop.items("event-types", query="owned.call")
    rule = {"conjunction": "and", "clauses": []}
    meter = await shop.call("POST", "/v1/meters/", {"name": "Owned", "filter": rule, "aggregation": {"func": "count"}})
    link = await shop.call("POST", "/v1/checkout-links/", {"products": [shop.product["id"]]})
    field = await shop.call("POST", "/v1/custom-fields/", {"type": "text", "slug": "owned", "name": "Owned"})
    part = {"number": 1, "chunk_start": 0, "chunk_end": 1}
    announced = {"name": "a", "mime_type": "a/b", "size": 1, "service": "downloadable", "upload": {"parts": [part]}}
    file = await shop.call("POST", "/v1/files/", announced)
    (payment,) = await shop.items("payments", checkout_id=ids["id"])
    (card,) = await shop.items(f"customers/{ids['customer_id']}/payment-methods")
    disputed = (await shop.confirm(await shop.checkout(), "pm_card_createDispute")).json()
    dispute = await eventually(lambda: shop.items("disputes", order_id=disputed["order_id"]), what="the dispute")
    (event, *_) = await shop.items("webhooks/events")
    redelivery = await shop.call("POST", "/v1/webhooks/redeliveries/", {"endpoint_id": shop.endpoint["id"]})
    wish = {"comment": "Owned", "scopes": ["orders:read"]}
    token = (await shop.call("POST", "/v1/organization-access-tokens/", wish))["organization_access_token"]
    dashboard = await shop.call("POST", "/v1/metrics/dashboards", {"name": "Owned", "metrics": ["orders"]})
    in_test_mode = stack.create_organization("Time", f"tenant-{os.urandom(4).hex()}", is_test=True)
    async with caller(in_test_mode["access_token"]) as other:
        test_clock = (await other.post("/v1/test-clocks/", json={"frozen_time": "2027-01-01T00:00:00Z"})).json()
    return {
        "test-clocks": test_clock["id"],
        "metrics/dashboards": dashboard["id"],
        "products": shop.product["id"],
        "checkouts": checkout["id"],
        "discounts": discount["id"],
        "customers": ids["customer_id"],
        "customers/external": external,
        "orders": ids["order_id"],
        "subscriptions": ids["subscription_id"],
        "payments": payment["id"],
        "payment-methods": card["id"],
        "disputes": dispute[0]["id"],
        "benefits": shop.benefit["id"],
        "benefit-grants": grant["id"],
        "license-keys": key_id,
        "members": member["id"],
        "events": used["id"],
        "event-types": kind["id"],
        "meters": meter["id"],
        "checkout-links": link["id"],
        "custom-fields": field["id"],
        "files": file["id"],
        "oauth-accounts": str(uuid4()),  # there is no provider to connect one at: nobody's answers alike
        "benefit-connections": str(uuid4()),  # the same
        "activations": activation["id"],
        "webhooks/endpoints": shop.endpoint["id"],
        "webhooks/events": event["id"],
        "webhooks/redeliveries": redelivery["id"],
        "organizations": shop.organization_id,
        "organization-access-tokens": token["id"],
        "checkout": checkout,
        "key": key["key"],
    }


def ids_of(operation, owned):
    """The first organization's ids for the parameters of a path: what stands before a parameter names its kind."""
    found, parts = {}, operation.path.removeprefix("/v1/").strip("/").split("/")
    for index, part in enumerate(parts):
        if part.startswith("{"):
            before = parts[:index]
            kinds = ["/".join(before[-2:]), before[-1]]
            kind = next((kind for kind in kinds if kind in owned), None)
            assert kind is not None, f"{operation.path}: nothing to try it with; add it to `owned`"
            found[part.strip("{}")] = owned[kind]
    return found


async def test_every_route_of_the_document(nobody, stranger, stranger_in_portal, shop, owned, organization_id):
    document = (await nobody.get("/openapi.json")).json()
    tried, failures = 0, []
    for operation in operations(document):
        if not operation.needs_token:
            continue
        ids = ids_of(operation, owned)
        body = example(operation.body) if operation.body else None
        if operation.path.endswith("/confirm"):
            body["client_secret"] = owned["checkout"]["client_secret"]
        if operation.path.endswith("/confirm-payment"):
            body = {"confirmation_token_id": "pm_card_visa"}
        if isinstance(body, dict) and "key" in body and "organization_id" in body:
            body |= {"key": owned["key"], "organization_id": organization_id}
        if not ids and operation.method != "GET" and "organization_id" not in (body or {}):
            continue  # creates something of the stranger's own: nothing of the first organization is named
        tried += 1
        client = stranger_in_portal if operation.path.startswith(PORTAL) else stranger
        params = REQUIRED.get(operation.path)
        answer = await client.request(operation.method, operation.url(**ids), json=body, params=params)
        name = f"{operation.method} {operation.path} → {answer.status_code} {answer.text[:200]}"
        if ids and answer.status_code != 404:
            failures.append(name)
        elif not ids and operation.method == "GET":
            mine = _items(answer)
            if mine is None or any(_is_foreign(item, organization_id, owned["customers"]) for item in mine):
                failures.append(name)
        elif not ids and operation.method != "GET" and answer.status_code not in {403, 404, 422}:
            failures.append(name)
    assert failures == []
    assert tried >= 50, f"only {tried} operations were tried"
    # The routes do answer their owner, so that a 404 above means something.
    for kind in ("products", "checkouts", "orders", "subscriptions", "customers", "discounts", "benefits"):
        await shop.call("GET", f"/v1/{kind}/{owned[kind]}")


def _items(answer):
    """What a list or an export shows, or the one resource of an answer; None when it was refused."""
    if answer.status_code != 200:
        return None
    if answer.headers["content-type"].startswith("text/csv"):
        return [{"id": line.partition(",")[0]} for line in answer.text.splitlines()[1:]]
    found = answer.json()
    return found if isinstance(found, list) else found.get("items", [found])


def _is_foreign(item, organization_id, customer_id):
    return item.get("organization_id") == organization_id or customer_id in {item.get("id"), item.get("customer_id")}


async def test_lists_of_another_organization_are_empty(
    nobody, stranger, stranger_in_portal, owned, organization_id, other_organization
):
    document = (await nobody.get("/openapi.json")).json()
    for operation in operations(document):
        if operation.path in EVERYBODYS:
            continue
        if operation.method == "GET" and operation.needs_token and "{" not in operation.path:
            client = stranger_in_portal if operation.path.startswith(PORTAL) else stranger
            names = {parameter["name"] for parameter in operation.parameters}
            asked = {"organization_id": organization_id} if "organization_id" in names else {}
            wanted = {**asked, **REQUIRED.get(operation.path, {})}
            answer = await client.get(operation.path, params=wanted)
            assert answer.status_code == 200, f"{operation.path}: {answer.text}"
            for item in _items(answer) if "items" in answer.text[:9] else []:
                if operation.path.startswith(PORTAL) and "organization_id" not in item:
                    assert item["id"] not in owned.values(), operation.path
                    continue
                owner = item.get("organization_id", item["id"])
                assert owner == other_organization["organization_id"], operation.path


async def test_a_customer_session_opens_nothing_of_its_own_merchant(nobody, stranger_in_portal, owned):
    document = (await nobody.get("/openapi.json")).json()
    tried = 0
    for operation in operations(document):
        if operation.needs_token and not operation.path.startswith(PORTAL):
            body = example(operation.body) if operation.body else None
            answer = await stranger_in_portal.request(
                operation.method, operation.url(**ids_of(operation, owned)), json=body
            )
            assert answer.status_code == 403, f"{operation.method} {operation.path}: {answer.status_code}"
            tried += 1
    assert tried >= 50


async def test_an_organizations_token_does_not_open_the_portal(nobody, shop, owned):
    document = (await nobody.get("/openapi.json")).json()
    for operation in operations(document):
        if operation.needs_token and operation.path.startswith(PORTAL):
            body = example(operation.body) if operation.body else None
            answer = await shop.api.request(operation.method, operation.url(**ids_of(operation, owned)), json=body)
            assert answer.status_code == 403, f"{operation.method} {operation.path}: {answer.status_code}"


async def test_a_foreign_id_in_a_body_is_not_found(stranger, owned, shop):
    for path, body in (
        ("/v1/checkouts/", {"product_price_id": shop.price_id}),
        ("/v1/checkouts/", {"products": [shop.product["id"]]}),
        ("/v1/discounts/", {"name": "x", "type": "percentage", "basis_points": 1, "products": [shop.product["id"]]}),
    ):
        answer = await stranger.post(path, json=body)
        assert answer.status_code == 422, f"{path} {body}: {answer.text}"
    price = {"amount_type": "fixed", "price_amount": 100, "price_currency": "usd"}
    own = (await stranger.post("/v1/products/", json={"name": "Mine", "prices": [price]})).json()
    answer = await stranger.post(f"/v1/products/{own['id']}/benefits", json={"benefits": [shop.benefit["id"]]})
    assert answer.status_code == 422, answer.text
