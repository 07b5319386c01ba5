"""Members of teams: by the merchant with either id, and by the team itself."""

import asyncio

import pytest
from contracts.billing import MemberCreatedV1, MemberDeletedV1, MemberUpdatedV1
from servicekit.testing import signed_headers

PORTAL = "/v1/customer-portal/members"
SCOPES = ("customer_portal:read", "customer_portal:write")


@pytest.fixture
async def team(client):
    answer = await client.post(
        "/v1/customers/", json={"email": "boss@acme.example", "name": "Boss", "type": "team", "external_id": "acme"}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def added(client, team, email, **fields):
    answer = await client.post(f"/v1/customers/{team['id']}/members", json={"email": email, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("owner", "shown"),
    [
        ({"email": "ada@acme.example", "name": "Ada", "external_id": "ada"}, ("ada@acme.example", "Ada", "ada")),
        ({"email": "ada@acme.example"}, ("ada@acme.example", None, None)),
        ({"external_id": "boss"}, ("books@acme.example", "Acme", "boss")),
    ],
)
async def test_a_team_is_made_with_the_owner_that_is_asked_for(client, bus, owner, shown):
    team = {"email": "books@acme.example", "name": "Acme", "type": "team", "owner": owner}
    made = (await client.post("/v1/customers/", json=team)).json()
    (found,) = (await client.get(f"/v1/customers/{made['id']}/members")).json()["items"]
    assert (found["email"], found["name"], found["external_id"], found["role"]) == (*shown, "owner")
    assert len(await bus.recorded(MemberCreatedV1)) == 1


async def test_a_team_begins_with_its_owner_and_grows(client, stranger, bus, team):
    path = f"/v1/customers/{team['id']}/members"
    (owner,) = (await client.get(path)).json()["items"]
    assert (owner["email"], owner["role"], owner["customer_id"]) == ("boss@acme.example", "owner", team["id"])
    ada = await added(client, team, "ada@acme.example", external_id="ada", role="billing_manager")
    assert await added(client, team, "ADA@acme.example") == ada
    assert (await client.get(f"{path}/{ada['id']}")).json() == ada
    assert (await client.get("/v1/customers/external/acme/members/ada")).json() == ada
    assert [one["id"] for one in (await client.get(path, params={"role": "owner"})).json()["items"]] == [owner["id"]]
    assert (await client.get("/v1/customers/external/acme/members")).json()["pagination"]["total_count"] == 2
    changed = await client.patch("/v1/customers/external/acme/members/ada", json={"name": "Ada"})
    assert changed.json()["name"] == "Ada"
    for method, where in (
        ("GET", path),
        ("POST", path),
        ("GET", f"{path}/{ada['id']}"),
        ("PATCH", f"{path}/{ada['id']}"),
        ("DELETE", f"{path}/{ada['id']}"),
    ):
        body = {"email": "x@y.zz"} if method in {"POST", "PATCH"} else None
        assert (await stranger.request(method, where, json=body)).status_code == 404
    assert (await client.delete(f"{path}/{ada['id']}")).status_code == 204
    assert (await client.get(f"{path}/{ada['id']}")).status_code == 404
    assert [len(await bus.recorded(kind)) for kind in (MemberCreatedV1, MemberUpdatedV1, MemberDeletedV1)] == [2, 1, 1]


async def test_a_team_always_has_one_owner(client, team):
    path = f"/v1/customers/{team['id']}/members"
    (owner,) = (await client.get(path)).json()["items"]
    assert (await client.delete(f"{path}/{owner['id']}")).status_code == 403
    assert (await client.patch(f"{path}/{owner['id']}", json={"role": "member"})).status_code == 403
    people = [await added(client, team, f"p{n}@acme.example") for n in range(3)]
    answers = await asyncio.gather(
        *(client.patch(f"{path}/{person['id']}", json={"role": "owner"}) for person in people)
    )
    assert {answer.status_code for answer in answers} == {200}
    roles = [one["role"] for one in (await client.get(path)).json()["items"]]
    assert sorted(roles) == ["billing_manager"] * 3 + ["owner"]


async def test_individuals_have_no_members_until_they_become_a_team(client, team):
    alone = (await client.post("/v1/customers/", json={"email": "alone@example.com"})).json()
    path = f"/v1/customers/{alone['id']}/members"
    refused = await client.post(path, json={"email": "a@example.com"})
    assert (refused.status_code, refused.json()["error"]) == (403, "NotPermitted")
    assert (await client.get(path)).json()["items"] == []
    await client.patch(f"/v1/customers/{alone['id']}", json={"type": "team"})
    assert [one["role"] for one in (await client.get(path)).json()["items"]] == ["owner"]
    await added(client, team, "a@acme.example", external_id="a")
    twice = await client.post(
        f"/v1/customers/{team['id']}/members", json={"email": "b@acme.example", "external_id": "a"}
    )
    assert twice.json()["detail"][0]["loc"] == ["body", "external_id"]
    taken = await client.post(f"/v1/customers/{team['id']}/members", json={"email": "no", "role": "owner"})
    assert {problem["loc"][1] for problem in taken.json()["detail"]} == {"email", "role"}


async def test_the_team_itself(client, anonymous, team, organization_id):
    own = signed_headers(organization_id, *SCOPES, customer_id=team["id"])
    added = await anonymous.post(PORTAL, headers=own, json={"email": "ada@acme.example"})
    assert (added.status_code, added.json()["role"]) == (201, "member")
    path = f"{PORTAL}/{added.json()['id']}"
    assert (await anonymous.patch(path, headers=own, json={"role": "billing_manager"})).json()[
        "role"
    ] == "billing_manager"
    assert len((await anonymous.get(PORTAL, headers=own)).json()["items"]) == 2
    alone = (await client.post("/v1/customers/", json={"email": "alone@example.com"})).json()
    other = signed_headers(organization_id, *SCOPES, customer_id=alone["id"])
    assert (await anonymous.get(PORTAL, headers=other)).status_code == 403
    assert (await anonymous.delete(path, headers=other)).status_code == 403
    assert (await anonymous.delete(path, headers=own)).status_code == 204


async def test_the_team_s_old_address_opens_nothing_once_it_is_changed(client, bus, team):
    """The member who had it has the new one; a member who has the new one already takes their place."""
    path = f"/v1/customers/{team['id']}/members"
    changed = await client.patch(f"/v1/customers/{team['id']}", json={"email": "chief@acme.example"})
    assert changed.status_code == 200, changed.text
    shown = [(one["email"], one["role"]) for one in (await client.get(path)).json()["items"]]
    assert shown == [("chief@acme.example", "owner")]
    await added(client, team, "ada@acme.example")
    assert (await client.patch("/v1/customers/external/acme", json={"email": "Ada@acme.example"})).status_code == 200
    shown = [(one["email"], one["role"]) for one in (await client.get(path)).json()["items"]]
    assert shown == [("ada@acme.example", "owner")]
    assert len(await bus.recorded(MemberDeletedV1)) == 1


async def test_members_do_in_the_portal_what_their_present_role_allows(client, anonymous, team, organization_id):
    """Whatever the session was opened with: billing reads the role under the lock of the customer."""
    path = f"/v1/customers/{team['id']}/members"
    (owner,) = (await client.get(path)).json()["items"]
    manager = await added(client, team, "manager@acme.example", role="billing_manager")
    people = [await added(client, team, f"p{n}@acme.example") for n in range(2)]

    def as_member(member):
        return signed_headers(organization_id, *SCOPES, customer_id=team["id"], member_id=member["id"])

    async def change(actor, member, role):
        body = {"role": role}
        return (await anonymous.patch(f"{PORTAL}/{member['id']}", headers=as_member(actor), json=body)).status_code

    assert await change(manager, people[0], "billing_manager") == 200
    assert await change(manager, people[1], "owner") == 403
    assert await change(manager, owner, "member") == 403
    assert await change(people[1], people[0], "member") == 403
    own = {"name": "Boss"}
    named = await anonymous.patch(f"{PORTAL}/{manager['id']}", headers=as_member(manager), json=own)
    assert (named.status_code, named.json()["name"]) == (200, "Boss")
    assert await change(owner, manager, "owner") == 200
    assert await change(owner, people[1], "owner") == 403
    for refused in (manager, people[0]):
        gone = await anonymous.delete(f"{PORTAL}/{refused['id']}", headers=as_member(refused))
        assert gone.status_code == 403
    assert (await anonymous.get(PORTAL, headers=as_member(people[1]))).status_code == 403
    assert (await anonymous.delete(f"{PORTAL}/{owner['id']}", headers=as_member(manager))).status_code == 204
    assert (await anonymous.get(PORTAL, headers=as_member(owner))).status_code == 403
