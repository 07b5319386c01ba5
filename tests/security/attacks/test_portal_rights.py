"""Who may do what in the portal: each operation by each role of a team, and each id by sessions of others."""

import asyncio
from typing import Any

import httpx
import pytest
from polar_cli.stack import Stack
from servicekit.testing import eventually

from tests.end_to_end.openapi import Operation, operations
from tests.security.attacks.people import PATIENCE, Seller, address

PORTAL = "/v1/customer-portal/"
EVERY_MEMBER = {
    "GET customer-session/introspect", "GET customer-session/user", "GET customers/me",
    "GET subscriptions/", "GET subscriptions/{id}",
    "GET benefit-grants/", "GET benefit-grants/{id}", "PATCH benefit-grants/{id}", "GET downloadables/",
    "GET license-keys/", "GET license-keys/{id}", "POST license-keys/{id}/rotate",
}  # fmt: skip
"""What a plain member may call (the operations that the SDKs document with a scope, but for what shows money)."""
MANAGERS = {
    "PATCH customers/me", "POST customers/me/email-update/request",
    "GET customers/me/payment-methods", "POST customers/me/payment-methods",
    "POST customers/me/payment-methods/confirm", "PATCH customers/me/payment-methods/{id}",
    "DELETE customers/me/payment-methods/{id}",
    "GET members/", "POST members/", "PATCH members/{id}", "DELETE members/{id}",
    "GET oauth-accounts/", "POST oauth-accounts/authorize", "DELETE oauth-accounts/{id}",
    "GET orders/", "GET orders/{id}", "PATCH orders/{id}", "POST orders/{id}/confirm-payment",
    "GET orders/{id}/invoice", "POST orders/{id}/invoice", "GET orders/{id}/payment-status",
    "GET orders/{id}/receipt",
    "PATCH subscriptions/{id}", "DELETE subscriptions/{id}", "GET subscriptions/{id}/cancel-preview",
    "POST subscriptions/{id}/change-preview",
}  # fmt: skip
"""What owners and billing managers may call beside that, as the customer itself."""
ENTRIES = {"customers/me/payment-methods": "payment_method"}
"""Of which kind the id of an operation is, where its path does not end in the kind's name."""
BODIES: dict[str, Any] = {"DELETE": None, "GET": None}


def name_of(operation: Operation) -> str:
    return f"{operation.method} {operation.path.removeprefix(PORTAL)}"


def protected(document: Any) -> list[Operation]:
    """Every operation of the portal that needs a session."""
    return [one for one in operations(document) if one.path.startswith(PORTAL) and one.needs_token]


async def session_of(seller: Seller, **wish: Any) -> dict[str, str]:
    """The header of a new session."""

    async def opened() -> str | None:
        answer = await seller.api.post("/v1/customer-sessions/", json=wish)
        return answer.json()["token"] if answer.status_code == 201 else None

    return {"Authorization": f"Bearer {await eventually(opened, seconds=PATIENCE, what='a session')}"}


@pytest.fixture(scope="module")
async def team(seller: Seller) -> dict[str, Any]:
    """A team that bought: its customer, and what it has by kind of id."""
    key = {"type": "license_keys", "description": "Key", "properties": {"activations": {"limit": 2}}}
    benefit = await seller.call("POST", "/v1/benefits/", key)
    product = await seller.product(1000, recurring_interval="month")
    await seller.call("POST", f"/v1/products/{product['id']}/benefits", {"benefits": [benefit["id"]]})
    bought = await seller.bought(product, address("team"))
    (order,) = await seller.until("orders", checkout_id=bought["id"])
    customer = order["customer_id"]
    await seller.call("PATCH", f"/v1/customers/{customer}", {"type": "team"})
    ids = {"order": order["id"], "subscription": order["subscription_id"]}
    for kind, resource, query in (
        ("payment_method", f"customers/{customer}/payment-methods", {}),
        ("member", f"customers/{customer}/members", {}),
        ("license_key", "license-keys", {"benefit_id": benefit["id"]}),
        ("benefit_grant", "benefit-grants", {"customer_id": customer}),
    ):
        ids[kind] = (await seller.until(resource, **query))[0]["id"]
    return {"customer": customer, "ids": ids}


async def joined(seller: Seller, team: dict[str, Any], role: str) -> str:
    """A new member of the team."""
    body = {"email": address(role), "role": role}
    return str((await seller.call("POST", f"/v1/customers/{team['customer']}/members", body))["id"])


def addressed(operation: Operation, ids: dict[str, str]) -> str:
    """The operation's address, with the id of the kind that it takes."""
    resource = operation.path.removeprefix(PORTAL).partition("/{id}")[0]
    kind = ENTRIES.get(resource) or resource.rstrip("s").replace("-", "_")
    return operation.url(**({"id": ids[kind]} if kind in ids else {}))


async def statuses(
    client: httpx.AsyncClient, found: list[Operation], headers: dict[str, str], ids: dict[str, str]
) -> dict[str, httpx.Response]:
    """What each operation answers, with an empty body where it takes one."""
    gate = asyncio.Semaphore(8)

    async def one(operation: Operation) -> tuple[str, httpx.Response]:
        async with gate:
            body = BODIES.get(operation.method, {})
            path = addressed(operation, ids)
            return name_of(operation), await client.request(operation.method, path, headers=headers, json=body)

    return dict(await asyncio.gather(*(one(operation) for operation in found)))


async def test_each_operation_is_open_to_the_roles_of_the_table(
    nobody: httpx.AsyncClient, seller: Seller, team: dict[str, Any]
) -> None:
    found = protected((await nobody.get("/openapi.json")).json())
    assert {name_of(one) for one in found} == EVERY_MEMBER | MANAGERS, "say in the table who may call it"
    (owner,) = await seller.until(f"customers/{team['customer']}/members", role="owner")
    for role, member in (
        ("owner", owner["id"]),
        ("billing_manager", await joined(seller, team, "billing_manager")),
        ("member", await joined(seller, team, "member")),
    ):
        headers = await session_of(seller, customer_id=team["customer"], member_id=member)
        answers = await statuses(nobody, found, headers, {})
        closed = {name for name, answer in answers.items() if answer.status_code == 403}
        assert closed == (MANAGERS if role == "member" else set()), role
        assert [name for name, answer in answers.items() if answer.status_code in {401, 500}] == []


async def test_a_plain_member_sees_the_plan_and_no_money_of_the_team(
    nobody: httpx.AsyncClient, seller: Seller, team: dict[str, Any]
) -> None:
    address_of_team = {"billing_name": "Acme Ltd", "billing_address": {"country": "FR"}}
    manager = await session_of(seller, customer_id=team["customer"])
    changed = await nobody.patch(f"{PORTAL}customers/me", headers=manager, json=address_of_team)
    assert changed.json()["billing_name"] == "Acme Ltd"
    headers = await session_of(seller, customer_id=team["customer"], member_id=await joined(seller, team, "member"))
    me = (await nobody.get(f"{PORTAL}customers/me", headers=headers)).json()
    shown = {name: me[name] for name in ("billing_name", "billing_address", "tax_id", "default_payment_method_id")}
    assert set(shown.values()) == {None}
    plans = (await nobody.get(f"{PORTAL}subscriptions/", headers=headers)).json()["items"]
    assert [plan["id"] for plan in plans] == [team["ids"]["subscription"]]
    for what in ("benefit-grants/", "license-keys/", "downloadables/"):
        assert (await nobody.get(PORTAL + what, headers=headers)).json()["items"] == []
    for what in (f"benefit-grants/{team['ids']['benefit_grant']}", f"license-keys/{team['ids']['license_key']}"):
        assert (await nobody.get(PORTAL + what, headers=headers)).status_code == 404


async def test_a_billing_manager_does_not_become_the_owner(
    nobody: httpx.AsyncClient, seller: Seller, team: dict[str, Any]
) -> None:
    manager, helper = await joined(seller, team, "billing_manager"), await joined(seller, team, "member")
    (owner,) = await seller.until(f"customers/{team['customer']}/members", role="owner")
    headers = await session_of(seller, customer_id=team["customer"], member_id=manager)

    async def call(method: str, member: str, body: Any = None) -> int:
        path = f"{PORTAL}members/{member}"
        return (await nobody.request(method, path, headers=headers, json=body)).status_code

    assert [await call("PATCH", one, {"role": "owner"}) for one in (manager, helper)] == [403, 403]
    assert await call("PATCH", manager, {"role": "member"}) == 403
    assert await call("PATCH", owner["id"], {"role": "member"}) == 403
    assert await call("DELETE", owner["id"]) == 403
    assert await call("DELETE", manager) == 403
    # A right that was taken away is gone at once in billing, whatever the gateway still knows of the session.
    await seller.call("PATCH", f"/v1/customers/{team['customer']}/members/{manager}", {"role": "member"})
    assert await call("DELETE", helper) == 403

    async def is_over() -> bool:
        return (await nobody.get(f"{PORTAL}customer-session/user", headers=headers)).status_code == 401

    await seller.call("DELETE", f"/v1/customers/{team['customer']}/members/{manager}")
    await eventually(is_over, seconds=PATIENCE, what="the end of the session of a removed member")


async def test_an_id_of_another_customer_is_unknown_in_the_portal(
    stack: Stack, nobody: httpx.AsyncClient, seller: Seller, other: httpx.AsyncClient, team: dict[str, Any]
) -> None:
    found = [one for one in protected((await nobody.get("/openapi.json")).json()) if "{id}" in one.path]
    stranger = await seller.call("POST", "/v1/customers/", {"email": address("stranger"), "type": "team"})
    elsewhere = (await other.post("/v1/customers/", json={"email": address("elsewhere"), "type": "team"})).json()
    sessions = (
        await session_of(seller, customer_id=stranger["id"]),
        await session_of(Seller(other, nobody, ""), customer_id=elsewhere["id"]),
    )
    for headers in sessions:
        answers = await statuses(nobody, found, headers, team["ids"])
        # A body that misses something is judged before the row is looked for: 422 says nothing of the id.
        leaks = {name: answer.text for name, answer in answers.items() if answer.status_code not in {404, 422}}
        assert leaks == {}
        assert not [name for name, answer in answers.items() if any(id in answer.text for id in team["ids"].values())]
