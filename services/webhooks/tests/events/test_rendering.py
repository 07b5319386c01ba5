"""What endpoints are sent: names as they were asked for, chats as people read them, bytes that stay."""

import json

import pytest
from contracts.benefits import BenefitGrantCreatedV1
from servicekit import ids
from sqlalchemy import text
from webhooks.event_types.examples import BY_NAME, example
from webhooks.events import chat


@pytest.fixture
def listening(client, receiver):
    async def listening(**wish):
        body = {"url": receiver.url, **wish}
        answer = await client.post("/v1/webhooks/endpoints", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return listening


def granted(organization_id):
    event = example("benefit_grant.created", organization_id=organization_id)
    assert isinstance(event, BenefitGrantCreatedV1)
    return event


async def test_an_endpoint_is_told_by_the_name_it_asked_for(listening, bus, organization_id, receiver, deliver):
    await listening(events=["benefit.granted"])
    await listening(events=["benefit_grant.created"])
    await listening(events=["benefit_grant.revoked"])
    await bus.deliver(granted(organization_id))
    assert await deliver() == 2
    told = [json.loads(body) for _, body in receiver.requests]
    assert sorted(payload["type"] for payload in told) == ["benefit.granted", "benefit_grant.created"]
    assert told[0]["data"] == told[1]["data"]


async def test_each_endpoint_has_its_version_and_its_bytes_stay(listening, client, bus, organization_id, database):
    old = await listening(events=["benefit_grant.created"], api_version="2026-04")
    new = await listening(events=["benefit_grant.created"], api_version="2027-01")
    await bus.deliver(granted(organization_id))
    await client.patch(f"/v1/webhooks/endpoints/{old['id']}", json={"api_version": "2026-10", "format": "slack"})
    async with database.transaction() as session:
        rows = await session.execute(text("select endpoint_id, api_version, payload from webhook_events"))
        kept = {str(row.endpoint_id): (row.api_version, json.loads(row.payload)["api_version"]) for row in rows}
    assert kept == {old["id"]: ("2026-04", "2026-04"), new["id"]: ("2027-01", "2027-01")}


async def test_events_that_come_together_are_told_once_each(
    listening, client, bus, organization_id, database, receiver, deliver
):
    from webhooks.events.consumers import announce

    await listening(events=["benefit_grant.created"])
    others = [ids.uuid7(), organization_id]
    told = [granted(others[number % 2]) for number in range(20)]
    for event in told:
        event.subject, event.sequence = ids.uuid7(), 1
    async with database.transaction() as session:
        await announce(told, session)
        await announce(told, session)
    assert await deliver() == 10
    assert (await client.get("/v1/webhooks/events")).json()["pagination"]["total_count"] == 10


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_discord_and_slack_take_every_event(name):
    event = example(name)
    discord = json.loads(chat.body(event, name, "discord"))
    (embed,) = discord["embeds"]
    assert 0 < len(discord["content"]) <= 2000
    assert len(embed["title"]) <= 256
    assert 0 < len(embed["fields"]) <= 25
    assert all(0 < len(field["value"]) <= 1024 and 0 < len(field["name"]) <= 256 for field in embed["fields"])
    assert discord["allowed_mentions"] == {"parse": []}
    slack = json.loads(chat.body(event, name, "slack"))
    header, *rest = slack["blocks"]
    assert 0 < len(header["text"]["text"]) <= 150
    for block in rest:
        assert len(block.get("fields", [])) <= 10
        assert all(0 < len(field["text"]) <= 2000 for field in block.get("fields", []))


def test_what_customers_write_calls_nobody_in_a_chat():
    event = example("order.paid")
    customer = event.data.customer.model_copy(
        update={"name": "<!channel> & <https://evil.example|here> @everyone" * 20}
    )
    event.data = event.data.model_copy(update={"customer": customer})
    slack = chat.body(event, event.name, "slack").decode()
    assert "<!channel>" not in slack
    assert "&lt;!channel&gt; &amp;" in slack
    fields = json.loads(chat.body(event, event.name, "discord"))["embeds"][0]["fields"]
    values = {field["name"]: field["value"] for field in fields}
    assert values["Amount"] == "29.00 USD"
    assert "<" not in values["Customer"].replace(r"\<", "")
    assert 300 <= len(values["Customer"]) <= 1024
    assert "Benefit" not in values, "an order has a description of its own"


def test_a_name_is_no_link_in_discord():
    event = example("order.paid")
    customer = event.data.customer.model_copy(update={"name": "[Pay here](https://evil.example) **now** a\\b"})
    event.data = event.data.model_copy(update={"customer": customer})
    fields = json.loads(chat.body(event, event.name, "discord"))["embeds"][0]["fields"]
    shown = {field["name"]: field["value"] for field in fields}["Customer"]
    assert shown == r"\[Pay here\]\(https://evil.example\) \*\*now\*\* a\\b"


async def test_a_chat_endpoint_gets_its_message(listening, bus, organization_id, receiver, deliver):
    await listening(events=["benefit_grant.created"], format="discord")
    await listening(events=["benefit_grant.created"], format="slack")
    await bus.deliver(granted(organization_id))
    assert await deliver() == 2
    kinds = [set(json.loads(body)) for _, body in receiver.requests]
    assert {"content", "embeds", "allowed_mentions"} in kinds
    assert {"text", "blocks"} in kinds
