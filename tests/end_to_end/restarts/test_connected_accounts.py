"""GitHub and Discord through the gateway: from the button to the grant, for the seller and for the buyer."""

import asyncio
import os

import httpx
import pytest
from servicekit.testing import eventually

from services.benefits.tests.providers.discord import BOT, DiscordServer
from services.benefits.tests.providers.github import GITHUB_PEM, GitHubServer
from services.benefits.tests.providers.provider import CLIENT
from services.benefits.tests.support import ACCOUNTS, leave
from tests.end_to_end.restarts.test_drift import started_anew
from tests.end_to_end.support import PATIENCE

GUILD, ROLE = "222222222222222222", "333333333333333333"
SELLER, BUYER = {"github": 1, "discord": "555555555555555555"}, {"github": 4711, "discord": "111111111111111111"}
PLACES = {
    "github": ("github_repository", {"repository_owner": "acme", "repository_name": "app"}),
    "discord": ("discord", {"guild_id": GUILD, "role_id": ROLE, "kick_member": False}),
}
PROCESSES = ("benefits.api", "benefits.worker")


@pytest.fixture(scope="module")
async def providers(stack):
    """Both stand-ins, which benefits knows while these tests run."""
    servers = {"github": GitHubServer(), "discord": DiscordServer()}
    for server in servers.values():
        server.callback = f"{stack.url}{ACCOUNTS}/callback"
        await server.server.start_server()
    environment = {
        "GITHUB_APP_ID": "123456",
        "GITHUB_APP_PRIVATE_KEY": GITHUB_PEM.replace("\n", "\\n"),
        "GITHUB_CLIENT_ID": CLIENT[0],
        "GITHUB_CLIENT_SECRET": CLIENT[1],
        "GITHUB_API_URL": f"{servers['github'].url}/api/v3",
        "DISCORD_CLIENT_ID": CLIENT[0],
        "DISCORD_CLIENT_SECRET": CLIENT[1],
        "DISCORD_BOT_TOKEN": BOT,
        "DISCORD_API_URL": f"{servers['discord'].url}/api/v10",
    }
    stack.extra_environment |= environment
    for name in PROCESSES:
        await asyncio.to_thread(started_anew, stack, name)
    yield servers
    for name in environment:
        del stack.extra_environment[name]
    for name in PROCESSES:
        await asyncio.to_thread(started_anew, stack, name)
    for server in servers.values():
        await server.server.close()
        assert server.faults == []


@pytest.fixture
def provider(providers, request):
    """One of them, with a place in which the app or the bot is, its owner and a buyer."""
    server = providers[request.param]
    server.users |= {SELLER[request.param]: "owner", BUYER[request.param]: "ada"}
    if request.param == "github":
        server.repository("acme", "app")
        server.roles["acme", SELLER["github"]] = "admin"
    else:
        server.guild(GUILD, ROLE, has_bot=False)
        server.permissions[GUILD, SELLER["discord"]] = 32
    return server


async def connected(begin, url, server, person, **choice):
    """Presses the button and says yes at the other system; returns the page to which the browser comes back."""
    begun = await begin(url, {"platform": server.name, "return_to": "/portal"})
    async with httpx.AsyncClient() as browser, httpx.AsyncClient() as thief:
        query = server.approve(await leave(browser, begun["url"]), person, **choice)
        assert (await thief.get(server.callback, params=query)).status_code == 403
        back = await browser.get(server.callback, params=query)
        assert (await browser.get(server.callback, params=query)).status_code == 403
    assert back.status_code == 303, back.text
    return back.headers["location"]


@pytest.mark.parametrize("provider", ["github", "discord"], indirect=True)
async def test_from_the_button_to_the_grant(stack, shop, stranger, provider):
    name, (kind, properties) = provider.name, PLACES[provider.name]
    wish = {"type": kind, "description": "Access", "properties": properties}
    assert (await shop.api.post("/v1/benefits/", json=wish)).status_code == 422

    async def seller(path, body):
        return await shop.call("POST", path, body)

    choice = {"guild_id": GUILD} if name == "discord" else {}
    page = await connected(seller, "/v1/benefit-connections/authorize", provider, SELLER[name], **choice)
    assert page == f"{stack.url}/portal?connected={name}"
    benefit = await shop.call("POST", "/v1/benefits/", wish)
    assert (await stranger.post("/v1/benefits/", json=wish)).status_code == 422

    price = {"amount_type": "fixed", "price_amount": 500, "price_currency": "usd"}
    product = await shop.call("POST", "/v1/products/", {"name": "Access", "prices": [price]})
    await shop.call("POST", f"/v1/products/{product['id']}/benefits", {"benefits": [benefit["id"]]})
    body = {
        "product_price_id": product["prices"][0]["id"],
        "customer_email": f"buyer-{os.urandom(6).hex()}@example.com",
    }
    bought = (await shop.confirm(await shop.call("POST", "/v1/checkouts/", body))).json()

    async def grant_with(status):
        grants = await shop.items("benefit-grants", order_id=bought["order_id"])
        return [one for one in grants if one["status"] == status]

    (waiting,) = await eventually(lambda: grant_with("pending"), seconds=PATIENCE, what="the grant")
    assert waiting["error"]["type"] == "BenefitActionRequiredError"
    session = await shop.call("POST", "/v1/customer-sessions/", {"customer_id": bought["customer_id"]})
    async with httpx.AsyncClient(base_url=stack.url, headers={"Authorization": f"Bearer {session['token']}"}) as portal:

        async def buyer(path, body):
            return (await portal.post(path, json=body)).json()

        page = await connected(buyer, f"{ACCOUNTS}/authorize", provider, BUYER[name])
    assert page == f"{stack.url}/portal?connected={name}"
    await eventually(lambda: grant_with("granted"), seconds=PATIENCE, what="access")
    if name == "github":
        assert provider.has_access("acme", "app", BUYER["github"])
    else:
        assert provider.guilds[GUILD]["members"] == {BUYER["discord"]: {ROLE}}
