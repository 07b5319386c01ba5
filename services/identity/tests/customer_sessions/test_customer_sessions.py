"""`/v1/customer-sessions/`: an hour in the portal for one customer."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from contracts.billing import Customer, CustomerCreatedV1, CustomerDeletedV1
from servicekit import auth, clock, ids
from servicekit.auth import Verifier
from servicekit.database import Database
from servicekit.testing import signed_headers
from servicekit.testing.harness import PUBLIC_KEY, Bus
from sqlalchemy import text

PATH = "/v1/customer-sessions/"


def shape(organization_id: UUID, **changes: Any) -> Customer:
    fields = {
        "id": ids.uuid7(), "created_at": clock.now(), "modified_at": None, "metadata": {}, "external_id": "user-1",
        "email": "ada@example.com", "email_verified": False, "type": "individual", "name": "Ada", "billing_name": None,
        "billing_address": None, "tax_id": None, "locale": None, "organization_id": organization_id,
        "deleted_at": None, "first_user_event_at": None, "avatar_url": None, "default_payment_method_id": None,
    }  # fmt: skip
    return Customer.model_validate({**fields, **changes})


@pytest.fixture
async def customer(bus: Bus, organization_id: UUID) -> Customer:
    """A customer that identity has heard of."""
    data = shape(organization_id)
    await bus.deliver(
        CustomerCreatedV1(subject=data.id, organization_id=organization_id, time=data.created_at, data=data)
    )
    return data


async def opened(client: httpx.AsyncClient, **wish: Any) -> dict[str, Any]:
    answer = await client.post(PATH, json=wish)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def ask(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/internal/authenticate", headers={"Authorization": f"Bearer {token}"})


async def test_a_session_is_one_customers_for_an_hour(
    client: httpx.AsyncClient, customer: Customer, database: Database, organization_id: UUID
) -> None:
    session = await opened(client, customer_id=str(customer.id), return_url="https://example.com/back")
    assert session["token"].startswith("polar_cst_")
    assert session["token"] in session["customer_portal_url"]
    assert session["customer"]["email"] == "ada@example.com"
    answer = await ask(client, session["token"])
    principal = Verifier(PUBLIC_KEY).verify(answer.headers[auth.HEADER])
    assert (principal.kind, principal.customer_id, principal.organization_ids) == (
        "customer", customer.id, (organization_id,),
    )  # fmt: skip
    assert principal.scopes == {"customer_portal:read", "customer_portal:write"}
    own = {auth.HEADER: answer.headers[auth.HEADER]}
    introspected = (await client.get("/v1/customer-portal/customer-session/introspect", headers=own)).json()
    assert introspected == {"expires_at": session["expires_at"], "return_url": "https://example.com/back"}
    user = (await client.get("/v1/customer-portal/customer-session/user", headers=own)).json()
    assert (user["type"], user["email"], user["customer_id"]) == ("customer", "ada@example.com", str(customer.id))
    async with database.transaction() as transaction:
        (stored,) = (await transaction.execute(text("select token_hash from customer_sessions"))).scalars()
    assert session["token"].encode() not in stored
    clock.move(timedelta(hours=1, seconds=1))
    assert (await ask(client, session["token"])).status_code == 401


async def test_a_session_by_the_merchants_own_id(client: httpx.AsyncClient, customer: Customer) -> None:
    assert (await opened(client, external_customer_id="user-1"))["customer_id"] == str(customer.id)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"customer_id": "00000000-0000-4000-8000-000000000000"}, "customer_id"),
        ({"external_customer_id": "nobody"}, "external_customer_id"),
        ({}, "body"),
        ({"customer_id": "00000000-0000-4000-8000-000000000000", "external_customer_id": "x"}, "body"),
        ({"external_customer_id": "user-1", "return_url": "javascript:alert(1)"}, "return_url"),
    ],
)
async def test_wrong_wishes_name_their_field(
    client: httpx.AsyncClient, customer: Customer, wish: dict[str, str], field: str
) -> None:
    answer = await client.post(PATH, json=wish)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-1] == field


async def test_another_organizations_customer_is_not_let_in(client: httpx.AsyncClient, customer: Customer) -> None:
    foreign = signed_headers(ids.uuid7(), "customer_sessions:write")
    answer = await client.post(PATH, headers=foreign, json={"customer_id": str(customer.id)})
    assert answer.status_code == 422


async def test_a_deleted_customer_is_out_at_once(
    client: httpx.AsyncClient, bus: Bus, customer: Customer, organization_id: UUID
) -> None:
    session = await opened(client, customer_id=str(customer.id))
    data = customer.model_copy(update={"deleted_at": clock.now()})
    gone = CustomerDeletedV1(subject=data.id, organization_id=organization_id, time=clock.now(), data=data)
    gone.sequence = 2
    await bus.deliver(gone)
    assert (await ask(client, session["token"])).status_code == 401
    assert (await client.post(PATH, json={"customer_id": str(customer.id)})).status_code == 422


async def test_sessions_that_are_over_are_removed(
    client: httpx.AsyncClient, customer: Customer, database: Database
) -> None:
    await opened(client, customer_id=str(customer.id))
    clock.move(timedelta(hours=2))
    await opened(client, customer_id=str(customer.id))
    async with database.transaction() as transaction:
        assert (await transaction.execute(text("select count(*) from customer_sessions"))).scalar_one() == 1


async def test_opening_needs_the_scope(client: httpx.AsyncClient, customer: Customer, organization_id: UUID) -> None:
    reader = signed_headers(organization_id, "customers:write")
    assert (await client.post(PATH, headers=reader, json={"customer_id": str(customer.id)})).status_code == 403
