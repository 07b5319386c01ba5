"""Roles in a Discord server, with tokens that expire and are withdrawn."""

from datetime import timedelta

import pytest
from benefits.oauth_accounts.models import OAuthAccount
from servicekit import clock
from sqlalchemy import text

from services.benefits.tests.providers.provider import Trouble

ADA, GUILD, ROLE = "111111111111111111", "222222222222222222", "333333333333333333"
OWNER = "555555555555555555"
PLACE = {"guild_id": GUILD, "role_id": ROLE, "kick_member": False}


@pytest.fixture
async def customer(story, discord, outside):
    discord.guild(GUILD, ROLE, "444444444444444444")
    discord.permissions[GUILD, OWNER] = 32
    assert "connected=discord" in (await story.connect_place(discord, OWNER, guild_id=GUILD)).headers["location"]
    discord.calls.clear()
    customer = story.customer()
    answer = await story.connect(discord, customer, ADA, "ada")
    assert answer.headers["location"].endswith("connected=discord")
    return customer


@pytest.fixture
def sell(story):
    async def sell(customer, **changes):
        benefit = await story.benefit(type="discord", properties={**PLACE, **changes})
        return await story.subscribed(await story.product(benefit), customer)

    return sell


async def only(story):
    (grant,) = await story.grants()
    return grant


@pytest.mark.parametrize("kick", [False, True])
async def test_a_member_with_a_role_comes_and_goes(story, discord, customer, sell, fulfil, kick):
    subscription = await sell(customer, kick_member=kick)
    await fulfil()
    assert discord.guilds[GUILD]["members"] == {ADA: {ROLE}}
    grant = await only(story)
    place = {"guild_id": GUILD, "role_id": ROLE}
    assert grant["properties"] == {"account_id": ADA, "granted_account_id": ADA, **place}
    await story.ended(subscription)
    await fulfil()
    assert discord.guilds[GUILD]["members"] == ({} if kick else {ADA: set()})
    assert (await only(story))["is_revoked"]


async def test_who_is_in_already_gets_the_role(story, discord, customer, sell, fulfil):
    discord.guilds[GUILD]["members"][ADA] = set()
    await sell(customer)
    await fulfil()
    assert discord.guilds[GUILD]["members"] == {ADA: {ROLE}}


async def test_who_has_left_has_nothing_to_be_taken(story, discord, customer, sell, fulfil):
    subscription = await sell(customer)
    await fulfil()
    discord.guilds[GUILD]["members"].clear()
    await story.ended(subscription)
    await fulfil()
    assert ((await only(story))["status"], (await only(story))["error"]) == ("revoked", None)


async def test_another_role_replaces_the_old_one(story, client, discord, customer, sell, fulfil, work_off):
    await sell(customer)
    await fulfil()
    properties = {**PLACE, "role_id": "444444444444444444"}
    await client.patch(f"/v1/benefits/{(await only(story))['benefit_id']}", json={"properties": properties})
    await work_off()
    await fulfil()
    assert discord.guilds[GUILD]["members"] == {ADA: {"444444444444444444"}}


async def test_a_token_that_expired_is_refreshed_and_kept(story, database, discord, customer, sell, fulfil):
    clock.move(timedelta(days=8))
    await sell(customer)
    await fulfil()
    assert (await only(story))["status"] == "granted"
    (account,) = await accounts(database)
    assert account.expires_at > clock.now() + timedelta(days=6)
    assert list(discord.refreshes.values()).count(ADA) == 1


async def test_access_that_was_withdrawn_waits_for_the_customer(story, discord, customer, sell, fulfil):
    discord.withdraw(ADA)
    await sell(customer)
    await fulfil()
    grant = await only(story)
    assert (grant["status"], grant["error"]["type"]) == ("pending", "BenefitActionRequiredError")
    assert await fulfil(timedelta(days=1)) == 0
    await story.connect(discord, customer, ADA)
    await fulfil()
    assert (await only(story))["status"] == "granted"


async def test_a_refresh_that_is_refused_waits_for_the_customer(story, discord, customer, sell, fulfil):
    clock.move(timedelta(days=8))
    discord.withdraw(ADA)
    await sell(customer)
    await fulfil()
    assert (await only(story))["error"]["type"] == "BenefitActionRequiredError"


async def test_limits_are_kept_to(story, discord, customer, sell, fulfil):
    body = {"message": "You are being rate limited.", "retry_after": 30.5, "global": True}
    discord.troubles.append(Trouble(429, body, {"X-RateLimit-Global": "true"}))
    await sell(customer)
    await fulfil()
    assert (await only(story))["error"]["type"] == "BenefitRetriableError"
    discord.calls.clear()
    await fulfil(timedelta(seconds=29))
    assert discord.calls == []
    await fulfil(timedelta(seconds=6))
    assert (await only(story))["status"] == "granted"


@pytest.mark.parametrize("what", ["guild", "role", "permission"])
async def test_what_only_the_merchant_can_put_right_fails(story, discord, customer, sell, fulfil, what):
    if what == "guild":
        discord.guilds.clear()
    elif what == "role":
        discord.guilds[GUILD]["roles"].clear()
    else:
        discord.forbidden.add(GUILD)
    await sell(customer)
    await fulfil()
    grant = await only(story)
    assert (grant["status"], grant["error"]["type"]) == ("failed", "BenefitRefusedError")
    assert await fulfil(timedelta(days=1)) == 0


async def test_no_secret_is_shown_or_logged(story, database, client, discord, customer, sell, fulfil, capfd):
    discord.troubles.append(Trouble(500))
    await sell(customer)
    await fulfil()
    await fulfil(timedelta(minutes=1))
    secrets = {*discord.tokens, *discord.refreshes, "the-bot-token", "the-client-secret"}
    shown = (await client.get("/v1/benefit-grants/")).text + capfd.readouterr().out + repr(await accounts(database))
    assert not [secret for secret in secrets if secret in shown]
    async with database.transaction() as session:
        kept = (await session.execute(text("select row_to_json(a)::text from oauth_accounts a"))).scalar_one()
    stored = bytes.fromhex("".join(part for part in kept.split('"') if part.startswith("\\\\x")).replace("\\\\x", ""))
    assert not [secret for secret in secrets if secret.encode() in stored]


async def accounts(database):
    async with database.transaction() as session:
        return list((await session.execute(OAuthAccount.__table__.select())).all())
