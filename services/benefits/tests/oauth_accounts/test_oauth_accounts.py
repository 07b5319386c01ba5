"""Connecting accounts: a login is good once, for minutes, for the customer who began it."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from servicekit import clock, ids
from servicekit.testing import signed_headers

from services.benefits.tests.providers.servers import Trouble

PATH = "/v1/customer-portal/oauth-accounts"


@pytest.fixture
def customer(story, outside):
    return story.customer()


@pytest.fixture
def begin(story, client, customer):
    async def begin(**wish):
        body = {"platform": "github", "return_to": "/portal", **wish}
        return await client.post(f"{PATH}/authorize", json=body, headers=story.session(customer))

    return begin


async def test_the_page_asks_for_what_is_needed(begin, github, discord):
    for provider, scope in ((github, None), (discord, ["identify guilds.join"])):
        url = (await begin(platform=provider.name)).json()["url"]
        query = parse_qs(urlsplit(url).query)
        assert url.startswith(provider.url)
        assert query["redirect_uri"] == [f"http://test{PATH}/callback"]
        assert (query.get("scope"), query["code_challenge_method"]) == (scope, ["S256"])
        assert len(query["state"][0]) >= 40


async def test_accounts_are_listed_and_disconnected_by_their_customer_alone(story, client, customer, github):
    await story.connect(github, customer, 5, "ada")
    await story.connect(github, customer, 5, "ada-renamed")
    own = story.session(customer)
    (account,) = (await client.get(f"{PATH}/", headers=own)).json()["items"]
    assert (account["platform"], account["account_id"], account["username"]) == ("github", "5", "ada")
    other = story.session(story.customer())
    foreign = signed_headers(ids.uuid7(), "customer_portal:read", "customer_portal:write", customer_id=customer.id)
    for headers in (other, foreign):
        assert (await client.get(f"{PATH}/", headers=headers)).json()["items"] == []
        assert (await client.delete(f"{PATH}/{account['id']}", headers=headers)).status_code == 404
    assert (await client.delete(f"{PATH}/{account['id']}", headers=own)).status_code == 204
    assert (await client.get(f"{PATH}/", headers=own)).json()["items"] == []
    assert (await client.delete(f"{PATH}/{account['id']}", headers=own)).status_code == 404


async def test_a_login_is_good_once_and_for_minutes(begin, anonymous, github):
    github.users[5] = "ada"
    query = github.approve((await begin()).json()["url"], 5)
    assert (await anonymous.get(f"{PATH}/callback", params=query)).status_code == 303
    again = await anonymous.get(f"{PATH}/callback", params=query)
    assert (again.status_code, again.json()["error"]) == (403, "NotPermitted")
    late = github.approve((await begin()).json()["url"], 5)
    clock.move(timedelta(minutes=11))
    assert (await anonymous.get(f"{PATH}/callback", params=late)).status_code == 403
    forged = {"state": "x" * 43, "code": "code-1"}
    assert (await anonymous.get(f"{PATH}/callback", params=forged)).status_code == 403


async def test_a_code_of_another_login_is_not_taken(begin, anonymous, github):
    github.users[5] = "ada"
    mine, theirs = [github.approve((await begin()).json()["url"], 5) for _ in range(2)]
    mixed = await anonymous.get(f"{PATH}/callback", params={"state": mine["state"], "code": theirs["code"]})
    assert "error=GitHub" in mixed.headers["location"]


@pytest.mark.parametrize("trouble", [Trouble(500), Trouble(401), Trouble(200, stall=1.5)])
async def test_what_the_provider_does_not_confirm_comes_back_as_an_error(
    begin, client, story, customer, github, trouble
):
    github.users[5] = "ada"
    query = github.approve((await begin()).json()["url"], 5)
    github.troubles.append(trouble)
    answer = await client.get(f"{PATH}/callback", params=query)
    assert answer.headers["location"].startswith("http://test/portal?error=GitHub")
    assert (await client.get(f"{PATH}/", headers=story.session(customer))).json()["items"] == []


async def test_a_customer_who_says_no(begin, anonymous, github):
    state = github.approve((await begin()).json()["url"], 5)["state"]
    answer = await anonymous.get(f"{PATH}/callback", params={"state": state, "error": "access_denied"})
    assert answer.headers["location"] == "http://test/portal?error=access_denied"


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "http://test.evil.example/",
        "http://test@evil.example/",
        "javascript:alert(1)",
        "http://[",
        "portal",
    ],
)
async def test_browsers_are_not_sent_to_strangers(begin, page):
    refused = await begin(return_to=page)
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "return_to"])


async def test_pages_of_allowed_origins(begin, app, monkeypatch):
    monkeypatch.setattr(app.state.settings, "cors_origins", ["https://shop.example"])
    assert (await begin(return_to="https://shop.example/account?tab=1")).status_code == 200


async def test_only_customers_begin_and_only_what_is_set_up(begin, client, app, monkeypatch):
    assert (await client.post(f"{PATH}/authorize", json={"platform": "github"})).status_code == 403
    assert (await begin(platform="gitlab")).status_code == 422
    monkeypatch.setattr(app.state.settings, "discord_bot_token", "")
    refused = await begin(platform="discord")
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "platform"])
