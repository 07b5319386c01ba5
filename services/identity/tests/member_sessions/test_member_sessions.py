"""Sessions of members of teams: the rights of the present role, and nothing once the member is gone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from contracts.billing import (
    Customer,
    CustomerCreatedV1,
    Member,
    MemberCreatedV1,
    MemberDeletedV1,
    MemberUpdatedV1,
)
from identity.members.models import Member as Known
from servicekit import auth, clock, ids
from servicekit.auth import MEMBER, Principal, Verifier
from servicekit.database import Database
from servicekit.testing import signed_headers
from servicekit.testing.harness import PUBLIC_KEY, Bus
from sqlalchemy import select, text

PATH = "/v1/customer-sessions/"
FULL = {"customer_portal:read", "customer_portal:write"}


class Team:
    """A customer that is a team, and its members, as billing publishes them."""

    def __init__(self, bus: Bus, organization_id: UUID) -> None:
        self._bus = bus
        self.organization_id = organization_id
        self.id = ids.uuid7()
        self._sequences: dict[UUID, int] = {}

    async def begin(self) -> None:
        fields = {
            "id": self.id, "created_at": clock.now(), "modified_at": None, "metadata": {}, "external_id": "acme",
            "email": "books@acme.example", "email_verified": False, "type": "team", "name": "Acme",
            "billing_name": None, "billing_address": None, "tax_id": None, "locale": None,
            "organization_id": self.organization_id, "deleted_at": None, "first_user_event_at": None,
            "avatar_url": None, "default_payment_method_id": None,
        }  # fmt: skip
        data = Customer.model_validate(fields)
        await self._bus.deliver(
            CustomerCreatedV1(subject=self.id, organization_id=self.organization_id, time=clock.now(), data=data)
        )

    async def tell(
        self, kind: Any = MemberCreatedV1, id: UUID | None = None, sequence: int | None = None, **changes: Any
    ) -> Member:
        fields = {
            "id": id or ids.uuid7(), "created_at": clock.now(), "modified_at": None, "customer_id": self.id,
            "organization_id": self.organization_id, "email": "ada@acme.example", "name": "Ada", "external_id": "ada",
            "role": "member",
        }  # fmt: skip
        data = Member.model_validate({**fields, **changes})
        self._sequences[data.id] = sequence or self._sequences.get(data.id, 0) + 1
        event = kind(subject=data.id, organization_id=self.organization_id, time=clock.now(), data=data)
        event.sequence = self._sequences[data.id]
        await self._bus.deliver(event)
        return data


@pytest.fixture
async def team(bus: Bus, organization_id: UUID) -> Team:
    made = Team(bus, organization_id)
    await made.begin()
    return made


async def opened(client: httpx.AsyncClient, team: Team, **wish: Any) -> dict[str, Any]:
    answer = await client.post(PATH, json={"customer_id": str(team.id), **wish})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def ask(client: httpx.AsyncClient, token: str) -> Principal | None:
    answer = await client.get("/internal/authenticate", headers={"Authorization": f"Bearer {token}"})
    return Verifier(PUBLIC_KEY).verify(answer.headers[auth.HEADER]) if answer.status_code == 200 else None


async def test_a_session_has_the_rights_of_the_present_role(
    client: httpx.AsyncClient, team: Team, database: Database
) -> None:
    ada = await team.tell()
    session = await opened(client, team, member_id=str(ada.id), return_url="https://example.com/back")
    assert session["token"].startswith("polar_mst_")
    assert (session["member_id"], session["customer_id"]) == (str(ada.id), str(team.id))
    principal = await ask(client, session["token"])
    assert principal is not None
    assert (principal.kind, principal.customer_id, principal.member_id) == ("customer", team.id, ada.id)
    assert (principal.scopes, principal.is_plain_member) == ({MEMBER}, True)
    for role, scopes in (("billing_manager", FULL), ("owner", FULL), ("member", {MEMBER})):
        await team.tell(MemberUpdatedV1, ada.id, role=role)
        principal = await ask(client, session["token"])
        assert principal is not None
        assert principal.scopes == scopes
    own = signed_headers(team.organization_id, MEMBER, customer_id=team.id, member_id=ada.id)
    assert (await client.get("/v1/customer-portal/customer-session/introspect", headers=own)).status_code == 404
    own = {auth.HEADER: (await client.get("/internal/authenticate", headers=bearer(session))).headers[auth.HEADER]}
    user = (await client.get("/v1/customer-portal/customer-session/user", headers=own)).json()
    assert user == {
        "type": "member", "name": "Ada", "email": "ada@acme.example", "customer_id": str(team.id),
        "member_id": str(ada.id), "role": "member", "organization_id": str(team.organization_id),
    }  # fmt: skip
    introspected = await client.get("/v1/customer-portal/customer-session/introspect", headers=own)
    assert introspected.json() == {"expires_at": session["expires_at"], "return_url": "https://example.com/back"}
    async with database.transaction() as transaction:
        (stored,) = (await transaction.execute(text("select token_hash from member_sessions"))).scalars()
        assert (await transaction.execute(text("select count(*) from customer_sessions"))).scalar_one() == 0
    assert session["token"].encode() not in stored
    clock.move(timedelta(hours=1, seconds=1))
    assert await ask(client, session["token"]) is None


def bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['token']}"}


async def test_a_session_ends_with_the_member_and_with_their_address(
    client: httpx.AsyncClient, team: Team, database: Database
) -> None:
    ada = await team.tell()
    first = await opened(client, team, external_member_id="ada")
    await team.tell(MemberUpdatedV1, ada.id, email="another@acme.example")
    assert await ask(client, first["token"]) is None
    second = await opened(client, team, member_id=str(ada.id))
    assert await ask(client, second["token"]) is not None
    await team.tell(MemberDeletedV1, ada.id)
    assert await ask(client, second["token"]) is None
    await team.tell(MemberUpdatedV1, ada.id, sequence=2)
    async with database.transaction() as session:
        known = (await session.execute(select(Known))).scalar_one()
    assert (known.is_deleted, known.sequence) == (True, 0)
    refused = await client.post(PATH, json={"customer_id": str(team.id), "member_id": str(ada.id)})
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "member_id"])


async def test_a_member_is_of_the_customer_that_is_named(
    client: httpx.AsyncClient, team: Team, bus: Bus, organization_id: UUID
) -> None:
    ada = await team.tell()
    other = Team(bus, organization_id)
    await other.begin()
    for wish, field in (
        ({"customer_id": str(other.id), "member_id": str(ada.id)}, "member_id"),
        ({"customer_id": str(team.id), "external_member_id": "nobody"}, "external_member_id"),
        ({"customer_id": str(team.id), "member_id": str(ada.id), "external_member_id": "ada"}, "body"),
    ):
        answer = await client.post(PATH, json=wish)
        assert (answer.status_code, answer.json()["detail"][0]["loc"][-1]) == (422, field)
    foreign = signed_headers(ids.uuid7(), "customer_sessions:write")
    wish = {"customer_id": str(team.id), "member_id": str(ada.id)}
    assert (await client.post(PATH, headers=foreign, json=wish)).status_code == 422


async def test_a_billing_manager_does_not_move_the_team_to_another_address(
    client: httpx.AsyncClient, team: Team
) -> None:
    """Who has the team's address as a member goes with it: the ownership would."""
    manager = await team.tell(role="billing_manager")
    session = await opened(client, team, member_id=str(manager.id))
    asking = await client.get("/internal/authenticate", headers=bearer(session))
    own = {auth.HEADER: asking.headers[auth.HEADER]}
    path = "/v1/customer-portal/customers/me/email-update/request"
    refused = await client.post(path, headers=own, json={"email": "evil@example.com"})
    assert (refused.status_code, refused.json()["error"]) == (403, "EmailUpdateNotAllowed")
