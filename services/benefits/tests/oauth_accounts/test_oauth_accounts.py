"""Connecting accounts: a login is good once, for minutes, for the customer who began it."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from contracts.billing import CustomerCreatedV1
from servicekit import clock, ids
from servicekit.testing import signed_headers
from sqlalchemy import text

from services.benefits.tests.providers.provider import Trouble
from services.benefits.tests.support import leave

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


@pytest.fixture
def browser(story):
    return story.browser()


@pytest.fixture
def approved(begin, browser, github):
    async def approved():
        github.users[5] = "ada"
        return github.approve(await leave(browser, (await begin()).json()["url"]), 5)

    return approved


async def test_the_page_asks_for_what_is_needed(begin, browser, github, discord):
    for provider, scope in ((github, None), (discord, ["identify guilds.join"])):
        url = await leave(browser, (await begin(platform=provider.name)).json()["url"])
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


async def test_the_page_names_the_buyer_and_stands_in_no_frame(begin, browser, story, bus, customer):
    await story.organization()
    buyer = customer.model_copy(update={"email": "<b>@example.com"})
    await bus.deliver(story.event(CustomerCreatedV1, buyer))
    shown = await browser.get((await begin()).json()["url"])
    assert "Your GitHub account gets what &lt;b&gt;@example.com bought from Acme (acme)." in shown.text
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    assert (shown.headers["x-frame-options"], shown.headers["referrer-policy"]) == ("DENY", "no-referrer")
    cookie = shown.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Max-Age=600", "Path=/"))


async def test_cookies_are_the_hosts_own_over_https(begin, browser, app, monkeypatch):
    monkeypatch.setattr(app.state.settings, "public_url", "https://pay.example")
    shown = await browser.get((await begin()).json()["url"])
    assert shown.headers["set-cookie"].startswith("__Host-polar_login_")
    assert "Secure" in shown.headers["set-cookie"]


async def test_a_login_is_good_once_and_for_minutes(approved, begin, browser, github):
    query = await approved()
    assert (await browser.get(f"{PATH}/callback", params=query)).status_code == 303
    again = await browser.get(f"{PATH}/callback", params=query)
    assert (again.status_code, again.json()["error"]) == (403, "NotPermitted")
    late, url = await approved(), (await begin()).json()["url"]
    clock.move(timedelta(minutes=11))
    assert (await browser.get(f"{PATH}/callback", params=late)).status_code == 403
    assert (await browser.get(url)).status_code == (await browser.post(url)).status_code == 403
    forged = {"state": "x" * 43, "code": "code-1"}
    assert (await browser.get(f"{PATH}/callback", params=forged)).status_code == 403


async def test_a_state_of_another_browser_is_refused_and_stays_good_in_its_own(
    approved, browser, story, client, customer
):
    query = await approved()
    thief = story.browser()
    for jar in ({}, {"polar_login_0000000000000000": "x"}):
        thief.cookies.update(jar)
        refused = await thief.get(f"{PATH}/callback", params=query)
        assert (refused.status_code, refused.json()["error"]) == (403, "NotPermitted")
    (name,) = browser.cookies
    thief.cookies.set(name, "guessed")
    assert (await thief.get(f"{PATH}/callback", params=query)).status_code == 403
    assert "connected=github" in (await browser.get(f"{PATH}/callback", params=query)).headers["location"]
    assert len((await client.get(f"{PATH}/", headers=story.session(customer))).json()["items"]) == 1


async def test_a_victim_sent_to_the_attackers_login_connects_nothing_without_a_click(begin, github, story):
    url = (await begin()).json()["url"]
    victim = story.browser()
    # A form of the attacker's page: browsers send no SameSite cookie with it.
    assert (await victim.post(url)).status_code == 403
    assert (await victim.get(url)).status_code == 200
    crossing = story.browser()
    assert (await crossing.post(url)).status_code == 403
    # The attacker finishes as far as they can in their own browser, and sends the victim to the call-back.
    own = story.browser()
    github.users[6] = "mallory"
    query = github.approve(await leave(own, url), 6)
    assert (await victim.get(f"{PATH}/callback", params=query)).status_code == 403


@pytest.mark.parametrize("site", ["same-site", "cross-site", "none"])
async def test_a_form_of_a_neighbouring_page_confirms_nothing(begin, browser, site):
    url = (await begin()).json()["url"]
    assert (await browser.get(url)).status_code == 200
    assert (await browser.post(url, headers={"Sec-Fetch-Site": site})).status_code == 403
    assert (await browser.post(url, headers={"Sec-Fetch-Site": "same-origin"})).status_code == 303


async def test_a_code_of_another_login_is_not_taken(approved, browser):
    mine, theirs = [await approved() for _ in range(2)]
    mixed = await browser.get(f"{PATH}/callback", params={"state": mine["state"], "code": theirs["code"]})
    assert "error=GitHub" in mixed.headers["location"]


@pytest.mark.parametrize("trouble", [Trouble(500), Trouble(401), Trouble(200, stall=1.5)])
async def test_what_the_provider_does_not_confirm_comes_back_as_an_error(
    impatient, approved, browser, client, story, customer, github, trouble
):
    query = await approved()
    github.troubles.append(trouble)
    answer = await browser.get(f"{PATH}/callback", params=query)
    assert answer.headers["location"].startswith("http://test/portal?error=GitHub")
    assert (await client.get(f"{PATH}/", headers=story.session(customer))).json()["items"] == []


async def test_a_customer_who_says_no(approved, browser):
    state = (await approved())["state"]
    answer = await browser.get(f"{PATH}/callback", params={"state": state, "error": "access_denied"})
    assert answer.headers["location"] == "http://test/portal?error=access_denied"


async def test_nothing_that_opens_a_login_is_kept_readable(approved, begin, browser, database):
    url, query = (await begin()).json()["url"], await approved()
    async with database.transaction() as session:
        kept = " ".join((await session.execute(text("select row_to_json(l)::text from logins l"))).scalars())
    stored = "".join(bytes.fromhex(part).decode("latin-1") for part in re.findall(r"x([0-9a-f]+)", kept))
    secrets = [parse_qs(urlsplit(url).query)["ticket"][0], query["state"], *browser.cookies.values()]
    assert not [secret for secret in secrets if secret in kept or secret in stored]


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
