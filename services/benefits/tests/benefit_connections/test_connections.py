"""Who may sell access to what: each attack on somebody else's repository or server is refused."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from benefits.benefit_connections.models import BenefitConnection
from benefits.benefit_grants import fulfilment
from benefits.commands import run_leftovers
from servicekit import ids
from servicekit.testing import signed_headers

from services.benefits.tests.providers.provider import Trouble
from services.benefits.tests.support import ACCOUNTS, Story, leave

OWNER, MALLORY, ADA = 1, 2, 4711
GUILD, ROLE = "222222222222222222", "333333333333333333"
MANAGER, ROGUE = "555555555555555555", "666666666666666666"
PATH = "/v1/benefit-connections"
REPOSITORY = {"repository_owner": "victim", "repository_name": "private"}
SERVER = {"guild_id": GUILD, "role_id": ROLE, "kick_member": False}


@pytest.fixture(autouse=True)
def places(github, discord, outside):
    """A repository and a server of a victim, in which the suite's app and bot are already."""
    github.repository("victim", "private", 7)
    github.repository("mallory-inc", "shop", 8)
    github.roles |= {("victim", OWNER): "admin", ("mallory-inc", MALLORY): "admin"}
    discord.guild(GUILD, ROLE)
    discord.permissions[GUILD, MANAGER] = 32


@pytest.fixture
def mallory(stranger, bus):
    """Another organization, whose owner administers an account of their own."""
    return Story(stranger, bus, ids.uuid7())


async def refused(story, kind, properties, field):
    body = {"type": kind, "description": "Access", "properties": properties}
    answer = await story.client.post("/v1/benefits/", json=body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "properties", field])


@pytest.mark.parametrize("kind", ["github", "discord"])
async def test_what_is_connected_can_be_sold_and_is_listed(story, github, discord, kind):
    properties, field = (REPOSITORY, "repository_owner") if kind == "github" else (SERVER, "guild_id")
    type = "github_repository" if kind == "github" else "discord"
    await refused(story, type, properties, field)
    choice = {} if kind == "github" else {"guild_id": GUILD}
    server, person = (github, OWNER) if kind == "github" else (discord, MANAGER)
    answer = await story.connect_place(server, person, **choice)
    assert answer.headers["location"] == f"http://test/dashboard?connected={kind}"
    await story.benefit(type=type, properties=properties)
    (kept,) = await story.connections()
    name, external_id = ("victim", "7") if kind == "github" else (f"Server {GUILD}", GUILD)
    assert (kept["platform"], kept["name"], kept["external_id"]) == (kind, name, external_id)
    assert kept["connected_by"] == f"user-{person}"
    await story.connect_place(server, person, **choice)
    assert [one["id"] for one in await story.connections()] == [kept["id"]]


async def test_connections_are_of_one_organization_alone(story, mallory, stranger, client, github):
    await story.connect_place(github, OWNER)
    (kept,) = await story.connections()
    assert await mallory.connections() == []
    await refused(mallory, "github_repository", REPOSITORY, "repository_owner")
    assert (await stranger.delete(f"{PATH}/{kept['id']}")).status_code == 404
    assert (await client.delete(f"{PATH}/{kept['id']}")).status_code == 204
    await refused(story, "github_repository", REPOSITORY, "repository_owner")


async def test_a_stranger_cannot_connect_the_victims_installation(mallory, github):
    github.users[MALLORY] = "mallory"
    for role in (None, "member", "billing_manager"):
        if role is not None:
            github.roles["victim", MALLORY] = role
        answer = await mallory.connect_place(github, MALLORY, wish={"account": "victim"})
        assert "error=The+GitHub+App+is+installed+on+no+account" in answer.headers["location"]
    assert await mallory.connections() == []


async def test_a_forged_installation_id_is_refused(mallory, github):
    github.users[MALLORY] = "mallory"
    github.roles["victim", MALLORY] = "member"
    begun = await mallory.client.post(f"{PATH}/authorize", json={"platform": "github"})
    browser = mallory.browser()
    query = github.approve(await leave(browser, begun.json()["url"]), MALLORY)
    query |= {"installation_id": "7", "setup_action": "install"}
    answer = await browser.get(f"{ACCOUNTS}/callback", params=query)
    assert "error=The+GitHub+App+is+installed+on+no+account" in answer.headers["location"]
    assert await mallory.connections() == []
    query["installation_id"] = "x"
    assert (await browser.get(f"{ACCOUNTS}/callback", params=query)).status_code == 422


async def test_who_administers_several_names_one(story, github):
    github.install(9, "ada", OWNER)
    answer = await story.connect_place(github, OWNER)
    assert "name+one+as" in answer.headers["location"]
    assert await story.connections() == []
    await story.connect_place(github, OWNER, wish={"account": "ADA"})
    assert [one["external_id"] for one in await story.connections()] == ["9"]
    await story.connect_place(github, OWNER, wish={"account": "victim"})
    assert {one["external_id"] for one in await story.connections()} == {"7", "9"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda github: setattr(github, "shows_members", False), "organization+permission+Members"),
        (lambda github: github.installations[7].update(suspended_at="2026-01-01T00:00:00Z"), "suspended"),
        (lambda github: github.troubles.append(Trouble(500)), "GitHub+is+out+of+order"),
    ],
)
async def test_what_github_does_not_confirm_connects_nothing(story, github, change, said):
    github.users[OWNER] = "owner"
    begun = await story.client.post(f"{PATH}/authorize", json={"platform": "github"})
    browser = story.browser()
    query = github.approve(await leave(browser, begun.json()["url"]), OWNER)
    change(github)
    answer = await browser.get(f"{ACCOUNTS}/callback", params=query)
    assert said in answer.headers["location"]
    assert await story.connections() == []


async def test_a_stranger_cannot_connect_the_victims_server(mallory, discord):
    for bits in (0, 1 << 28, 1 << 1):
        discord.permissions[GUILD, ROGUE] = bits
        with pytest.raises(PermissionError):
            await mallory.connect_place(discord, ROGUE, wish={"account": GUILD})
    assert await mallory.connections() == []


async def begun_at_discord(story, discord, person, **wish):
    discord.users[person] = "somebody"
    begun = await story.client.post(f"{PATH}/authorize", json={"platform": "discord", **wish})
    browser = story.browser()
    return browser, await leave(browser, begun.json()["url"])


async def test_a_server_named_by_the_browser_alone_is_refused(mallory, discord):
    # Without the scope `bot` Discord adds no bot and answers no server, whatever the call-back's address says.
    browser, page = await begun_at_discord(mallory, discord, ROGUE)
    query = discord.approve(page.replace("scope=bot+identify+guilds", "scope=identify+guilds"), ROGUE)
    query |= {"guild_id": GUILD, "permissions": "8"}
    answer = await browser.get(f"{ACCOUNTS}/callback", params=query)
    assert "error=The+bot+was+added+to+no" in answer.headers["location"]
    # Without `guilds` nothing says what the person may do in it.
    discord.permissions[GUILD, ROGUE] = 32
    browser, page = await begun_at_discord(mallory, discord, ROGUE)
    query = discord.approve(page.replace("scope=bot+identify+guilds", "scope=bot+identify"), ROGUE, guild_id=GUILD)
    answer = await browser.get(f"{ACCOUNTS}/callback", params=query)
    assert "error=Discord+did+not+show" in answer.headers["location"]
    assert await mallory.connections() == []


async def test_who_manages_the_server_no_more_connects_nothing(story, discord):
    browser, page = await begun_at_discord(story, discord, MANAGER)
    query = discord.approve(page, MANAGER, guild_id=GUILD)
    discord.permissions[GUILD, MANAGER] = 0
    answer = await browser.get(f"{ACCOUNTS}/callback", params=query)
    assert "error=You+need+the+permission+Manage" in answer.headers["location"]


async def test_another_server_than_the_named_one_is_refused(story, discord):
    other = "777777777777777777"
    discord.guild(other)
    discord.permissions[other, MANAGER] = 8
    browser, page = await begun_at_discord(story, discord, MANAGER, account=GUILD)
    query = discord.approve(page.replace("&disable_guild_select=true", ""), MANAGER, guild_id=other)
    answer = await browser.get(f"{ACCOUNTS}/callback", params=query)
    assert "error=The+bot+was+added+to+another" in answer.headers["location"]
    assert await story.connections() == []


async def test_a_stolen_or_used_state_connects_nothing(story, github):
    github.users[OWNER] = "owner"
    begun = await story.client.post(f"{PATH}/authorize", json={"platform": "github"})
    browser, thief = story.browser(), story.browser()
    query = github.approve(await leave(browser, begun.json()["url"]), OWNER)
    assert (await thief.get(f"{ACCOUNTS}/callback", params=query)).status_code == 403
    assert (await browser.get(f"{ACCOUNTS}/callback", params=query)).status_code == 303
    for client in (browser, thief):
        assert (await client.get(f"{ACCOUNTS}/callback", params=query)).status_code == 403
    assert len(await story.connections()) == 1


async def test_of_24_call_backs_at_once_one_ends_the_login(story, github):
    github.users[OWNER] = "owner"
    begun = await story.client.post(f"{PATH}/authorize", json={"platform": "github"})
    browser = story.browser()
    query = github.approve(await leave(browser, begun.json()["url"]), OWNER)
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    asked = [story.browser().get(f"{ACCOUNTS}/callback", params=query, headers=cookies) for _ in range(24)]
    statuses = [answer.status_code for answer in await asyncio.gather(*asked)]
    assert sorted(statuses) == [303, *[403] * 23]
    assert len(await story.connections()) == 1


async def test_an_owner_who_is_sent_the_attackers_address_is_asked(story, github):
    await story.organization()
    begun = await story.client.post(f"{PATH}/authorize", json={"platform": "github", "account": "victim"})
    owner = story.browser()
    assert (await owner.post(begun.json()["url"])).status_code == 403
    shown = (await owner.get(begun.json()["url"])).text
    assert "The seller Acme (acme) asks to sell access to the repositories of the GitHub account victim." in shown


async def test_scopes_and_inputs(story, client, organization_id):
    reader = signed_headers(organization_id, "benefits:read")
    assert (await client.post(f"{PATH}/authorize", json={"platform": "github"}, headers=reader)).status_code == 403
    assert (await client.delete(f"{PATH}/{ids.uuid7()}", headers=reader)).status_code == 403
    assert (await client.delete(f"{PATH}/{ids.uuid7()}")).status_code == 404
    for wish, field in (
        ({"platform": "gitlab"}, "platform"),
        ({"platform": "github", "account": "a/b"}, "account"),
        ({"platform": "github", "return_to": "https://evil.example/"}, "return_to"),
    ):
        answer = await client.post(f"{PATH}/authorize", json=wish)
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", field])
    foreign = await client.post(f"{PATH}/authorize", json={"platform": "github", "organization_id": str(ids.uuid7())})
    assert foreign.status_code in {404, 422}
    assert (await client.get(f"{PATH}/", params={"platform": "github"}, headers=reader)).json()["items"] == []


async def sold(story, github, fulfil):
    """One grant of a connected repository, given."""
    await story.connect_place(github, OWNER)
    customer = story.customer()
    await story.connect(github, customer, ADA, "ada")
    product = await story.product(await story.benefit(type="github_repository", properties=REPOSITORY))
    subscription = await story.subscribed(product, customer)
    await fulfil()
    assert [one["status"] for one in await story.grants()] == ["granted"]
    return product, customer, subscription


async def test_without_its_connection_new_grants_fail_once_and_held_ones_end(story, client, github, fulfil):
    product, _, subscription = await sold(story, github, fulfil)
    await client.delete(f"{PATH}/{(await story.connections())[0]['id']}")
    other = story.customer(email="bob@example.com")
    await story.connect(github, other, 99)
    await story.subscribed(product, other)
    github.calls.clear()
    assert await fulfil() == 1
    failed = next(one for one in await story.grants() if one["customer_id"] == str(other.id))
    assert (failed["status"], failed["error"]["type"]) == ("failed", "BenefitNotConnectedError")
    assert "has not connected the GitHub account victim" in failed["error"]["message"]
    assert github.count("PUT") == 0
    assert await fulfil(timedelta(days=2)) == 0
    await story.ended(subscription)
    await fulfil()
    assert not github.has_access("victim", "private", ADA)
    # Connected again, what failed is given.
    await story.connect_place(github, OWNER)
    await fulfil()
    assert github.has_access("victim", "private", 99)


async def test_an_app_that_was_installed_anew_must_be_connected_anew(story, github, fulfil):
    product, customer, _ = await sold(story, github, fulfil)
    github.installations[70] = github.installations.pop(7)
    github.installed["victim", "private"] = 70
    github.installation_tokens.clear()
    await story.bought_once(product, customer)
    await fulfil()
    await fulfil(timedelta(minutes=1))
    assert "BenefitNotConnectedError" in [(one["error"] or {}).get("type") for one in await story.grants()]


async def test_a_connection_that_comes_while_a_grant_fails_is_seen(story, client, github, fulfil, monkeypatch):
    product, customer, _ = await sold(story, github, fulfil)
    await client.delete(f"{PATH}/{(await story.connections())[0]['id']}")
    await story.bought_once(product, customer)
    before = fulfilment.write_down

    async def late(*arguments):
        monkeypatch.setattr(fulfilment, "write_down", before)
        await story.connect_place(github, OWNER)
        await before(*arguments)

    monkeypatch.setattr(fulfilment, "write_down", late)
    await fulfil()
    await fulfil(timedelta(seconds=10))
    assert [one["status"] for one in await story.grants()] == ["granted", "granted"]


async def test_permissions_are_capped_unless_the_operator_raises_it(story, client, app, github, fulfil, monkeypatch):
    await story.connect_place(github, OWNER)
    for permission in ("maintain", "admin"):
        await refused(story, "github_repository", {**REPOSITORY, "permission": permission}, "permission")
    benefit = await story.benefit(type="github_repository", properties={**REPOSITORY, "permission": "push"})
    body = {"properties": {**REPOSITORY, "permission": "admin"}}
    answer = await client.patch(f"/v1/benefits/{benefit['id']}", json=body)
    assert answer.json()["detail"][0]["loc"] == ["body", "properties", "permission"]
    monkeypatch.setattr(app.state.settings, "github_max_permission", "admin")
    assert (await client.patch(f"/v1/benefits/{benefit['id']}", json=body)).status_code == 200
    monkeypatch.setattr(app.state.settings, "github_max_permission", "push")
    customer = story.customer()
    await story.connect(github, customer, ADA, "ada")
    await story.subscribed(await story.product(benefit), customer)
    await fulfil()
    (grant,) = await story.grants()
    assert (grant["status"], grant["error"]["message"]) == ("failed", "This suite gives at most the permission push")
    assert github.count("PUT") == 0


async def test_an_update_names_only_what_is_connected(story, client, github, discord):
    await story.connect_place(github, OWNER)
    await story.connect_place(discord, MANAGER, guild_id=GUILD)
    repository = await story.benefit(type="github_repository", properties=REPOSITORY)
    server = await story.benefit(type="discord", properties=SERVER)
    for benefit, properties, field in (
        (repository, {**REPOSITORY, "repository_owner": "mallory-inc"}, "repository_owner"),
        (server, {**SERVER, "guild_id": "777777777777777777"}, "guild_id"),
    ):
        answer = await client.patch(f"/v1/benefits/{benefit['id']}", json={"properties": properties})
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "properties", field])


@pytest.fixture
async def of_the_old_release(story, github, discord, database):
    """Benefits whose places nobody has connected, by type."""
    await story.connect_place(github, OWNER)
    await story.connect_place(discord, MANAGER, guild_id=GUILD)
    made = {}
    for type, properties in (("github_repository", REPOSITORY), ("discord", SERVER)):
        made[type] = await story.benefit(type=type, properties=properties)
    async with database.transaction() as session:
        await session.execute(BenefitConnection.__table__.delete())
    return made


async def test_the_operator_lists_and_connects_what_the_old_release_left(
    story, app, of_the_old_release, github, discord, fulfil, capsys
):
    settings = app.state.settings
    buyer = story.customer()
    await story.connect(github, buyer, ADA, "ada")
    await story.connect(discord, buyer, "111111111111111111", "ada")
    for benefit in of_the_old_release.values():
        await story.subscribed(await story.product(benefit), buyer)
    await fulfil()
    assert {one["error"]["type"] for one in await story.grants()} == {"BenefitNotConnectedError"}
    assert await run_leftovers(settings) == 2
    listed = capsys.readouterr().out
    assert f"GitHub repository victim/private of benefit {of_the_old_release['github_repository']['id']}" in listed
    assert f"Discord server {GUILD} of benefit {of_the_old_release['discord']['id']}" in listed
    assert await run_leftovers(settings, [ids.uuid7()]) == 3
    assert await run_leftovers(settings, [UUID(one["id"]) for one in of_the_old_release.values()]) == 0
    assert await run_leftovers(settings) == 0
    assert {one["connected_by"] for one in await story.connections()} == {None}
    await fulfil()
    assert [one["status"] for one in await story.grants()] == ["granted", "granted"]


async def test_the_operator_is_told_what_github_does_not_know(story, app, of_the_old_release, github, capsys):
    github.installed.clear()
    wanted = [UUID(of_the_old_release["github_repository"]["id"])]
    assert await run_leftovers(app.state.settings, wanted) == 2
    assert "was not connected: The repository victim/private is gone" in capsys.readouterr().out
