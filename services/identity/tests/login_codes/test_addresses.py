"""Codes for addresses: of members of teams, at several sellers, and for an address that is known a moment later."""

import re
from datetime import timedelta
from uuid import UUID

from contracts.billing import Customer, CustomerCreatedV1, Member, MemberCreatedV1
from identity.commands import create_organization
from identity.login_codes.timers import answer_late
from servicekit import clock, ids
from servicekit.auth import HEADER, MEMBER, Verifier
from servicekit.testing.harness import PUBLIC_KEY
from sqlalchemy import text

PORTAL = "/v1/customer-portal/customer-session"


async def asked(client, wish):
    answer = await client.post(f"{PORTAL}/request", json=wish)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})


def code_of(message):
    return re.search(r"\b\d{6}\b", message.get_body(("plain",)).get_content())[0]


async def known_as(bus, organization_id, address, **changes):
    """A customer that identity hears of."""
    fields = {
        "id": ids.uuid7(), "created_at": clock.now(), "modified_at": None, "metadata": {}, "external_id": None,
        "email": address, "email_verified": False, "type": "individual", "name": None, "billing_name": None,
        "billing_address": None, "tax_id": None, "locale": None, "organization_id": organization_id,
        "deleted_at": None, "first_user_event_at": None, "avatar_url": None, "default_payment_method_id": None,
    }  # fmt: skip
    data = Customer.model_validate({**fields, **changes})
    event = CustomerCreatedV1(subject=data.id, organization_id=organization_id, time=clock.now(), sequence=1, data=data)
    await bus.deliver(event)
    return data


async def joined(bus, customer, address, role="member"):
    """A member of a team that identity hears of."""
    data = Member(
        id=ids.uuid7(), created_at=clock.now(), modified_at=None, organization_id=customer.organization_id,
        customer_id=customer.id, email=address, name=None, external_id=None, role=role,
    )  # fmt: skip
    event = MemberCreatedV1(
        subject=data.id, organization_id=customer.organization_id, time=clock.now(), sequence=1, data=data
    )
    await bus.deliver(event)
    return data


async def late(database, settings):
    return await answer_late(database.transaction, settings=settings)


async def test_a_code_that_was_requested_before_the_news_of_the_customer_is_mailed_after_it(
    anonymous, ada, bus, database, settings, mailed
):
    wish = {**ada, "email": "new@example.com"}
    await asked(anonymous, wish)
    clock.move(timedelta(seconds=1))
    assert await late(database, settings) == 1
    assert await late(database, settings) == 0
    assert await mailed() == []
    await known_as(bus, UUID(ada["organization_id"]), "New@example.com")
    clock.move(timedelta(seconds=20))
    assert await late(database, settings) == 1
    (message,) = await mailed()
    assert message["To"] == "New@example.com"
    opened = await anonymous.post(f"{PORTAL}/authenticate", json={**wish, "code": code_of(message)})
    assert opened.status_code == 200


async def test_an_address_that_nobody_has_is_forgotten_after_some_looks(anonymous, ada, database, settings, mailed):
    await asked(anonymous, {**ada, "email": "stranger@example.com"})
    await asked(anonymous, {**ada, "organization_id": str(ids.uuid7())})
    looks = 0
    for _ in range(130):
        clock.move(timedelta(seconds=1))
        looks += await late(database, settings)
    assert looks <= 8
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from login_requests"))).scalar_one() == 0
    assert await mailed() == []


async def test_one_code_for_an_address_at_several_sellers(anonymous, ada, settings, bus, mailed):
    other = await create_organization(settings, "Beta", "beta", frozenset({"orders:read"}))
    known = await known_as(bus, UUID(other["organization_id"]), "ada@example.com", name="Ada at Beta")
    wish = {"email": "ada@example.com"}
    await asked(anonymous, wish)
    (message,) = await mailed()
    assert message["Subject"] == f"{code_of(message)} is your code for Acme, Beta"
    body = {**wish, "code": code_of(message)}
    wrong = "000000" if body["code"] != "000000" else "111111"
    refused = await anonymous.post(f"{PORTAL}/authenticate", json={**wish, "code": wrong})
    assert refused.status_code == 401
    answer = await anonymous.post(f"{PORTAL}/authenticate", json=body)
    assert (answer.status_code, answer.json()["error"]) == (409, "CustomerSelectionRequired")
    shown = [(one["organization"]["slug"], one["name"], one["role"]) for one in answer.json()["customers"]]
    assert shown == [("acme", "Ada", None), ("beta", "Ada at Beta", None)]
    stranger = await known_as(bus, UUID(other["organization_id"]), "eve@example.com")
    foreign = await anonymous.post(f"{PORTAL}/authenticate", json={**body, "customer_id": str(stranger.id)})
    assert foreign.status_code == 401
    chosen = {**body, "customer_id": str(known.id)}
    opened = await anonymous.post(f"{PORTAL}/authenticate", json=chosen)
    assert opened.status_code == 200
    bearer = {"Authorization": f"Bearer {opened.json()['token']}"}
    asking = await anonymous.get("/internal/authenticate", headers=bearer)
    principal = Verifier(PUBLIC_KEY).verify(asking.headers[HEADER])
    assert (principal.customer_id, principal.organization_ids) == (known.id, (UUID(other["organization_id"]),))
    assert (await anonymous.post(f"{PORTAL}/authenticate", json=chosen)).status_code == 401


async def test_a_members_code_opens_what_the_role_allows(anonymous, ada, bus, mailed):
    organization_id = UUID(ada["organization_id"])
    team = await known_as(bus, organization_id, "books@acme.example", type="team", name="Engines")
    grace = await joined(bus, team, "grace@acme.example")
    await joined(bus, team, "books@acme.example", role="billing_manager")
    for address, scopes in (
        ("Grace@acme.example", {MEMBER}),
        ("books@acme.example", {"customer_portal:read", "customer_portal:write"}),
    ):
        wish = {"email": address, "organization_id": str(organization_id)}
        await asked(anonymous, wish)
        message = (await mailed())[-1]
        assert str(message["To"]).lower() == address.lower()
        opened = await anonymous.post(f"{PORTAL}/authenticate", json={**wish, "code": code_of(message)})
        assert opened.json()["token"].startswith("polar_mst_")
        bearer = {"Authorization": f"Bearer {opened.json()['token']}"}
        asking = await anonymous.get("/internal/authenticate", headers=bearer)
        principal = Verifier(PUBLIC_KEY).verify(asking.headers[HEADER])
        assert (principal.customer_id, principal.scopes) == (team.id, scopes)
        assert (principal.member_id == grace.id) is (MEMBER in scopes)
