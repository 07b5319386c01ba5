"""Into the portal by a mailed code: once, for half an hour, and without telling who is a customer."""

import asyncio
import json
import re
from datetime import timedelta

import pytest
from contracts.billing import Customer, CustomerUpdatedV1
from identity.customers.models import Customer as Known
from servicekit import clock, ids, mail
from sqlalchemy import select, text

PORTAL = "/v1/customer-portal/customer-session"


async def moved(bus, database, address):
    """The customer's e-mail address becomes another one."""
    async with database.transaction() as session:
        known = (await session.execute(select(Known))).scalar_one()
    data = Customer.model_validate({**known.data, "email": address}, extra="ignore")
    event = CustomerUpdatedV1(
        subject=known.id, organization_id=known.organization_id, time=clock.now(), sequence=2, data=data
    )
    await bus.deliver(event)


async def asked(client, wish):
    answer = await client.post(f"{PORTAL}/request", json=wish)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})


def code_of(message):
    return re.search(r"\b\d{6}\b", message.get_body(("plain",)).get_content())[0]


async def test_the_mailed_code_opens_a_session_once(anonymous, ada, mailed):
    await asked(anonymous, ada)
    (message,) = await mailed()
    assert (message["To"], message["From"]) == ("Ada@Example.com", "portal@acme.example")
    body = {**ada, "code": code_of(message)}
    answers = await asyncio.gather(*(anonymous.post(f"{PORTAL}/authenticate", json=body) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]
    token = next(answer.json()["token"] for answer in answers if answer.status_code == 200)
    assert token.startswith("polar_cst_")
    asking = await anonymous.get("/internal/authenticate", headers={"Authorization": f"Bearer {token}"})
    assert asking.status_code == 200


async def test_nobody_learns_who_is_a_customer(anonymous, ada, mailed):
    for wish in ({**ada, "email": "eve@example.com"}, {**ada, "organization_id": str(ids.uuid7())}):
        await asked(anonymous, wish)
        refused = await anonymous.post(f"{PORTAL}/authenticate", json={**wish, "code": "123456"})
        assert refused.status_code == 401
    known = await anonymous.post(f"{PORTAL}/authenticate", json={**ada, "code": "123456"})
    assert known.json() == refused.json()
    assert await mailed() == []


async def test_the_answer_waits_for_nothing_that_only_a_customer_has(app, ada, database, mailed):
    """A stranger's request does less than a customer's: so both are answered before anything is looked up."""
    answered = asyncio.Event()
    body = json.dumps(ada).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": f"{PORTAL}/request", "raw_path": f"{PORTAL}/request".encode(), "query_string": b"", "headers": headers,
    }  # fmt: skip
    statuses = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        statuses.append(message.get("status"))
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    async with database.transaction() as session:
        await session.execute(text("lock table customers in access exclusive mode"))
        working = asyncio.create_task(app(scope, receive, send))
        await asyncio.wait_for(answered.wait(), 30)
        assert statuses[0] == 202
    await working
    assert len(await mailed()) == 1


async def test_five_wrong_codes_end_the_right_one(anonymous, ada, mailed):
    await asked(anonymous, ada)
    (message,) = await mailed()
    right = code_of(message)
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(5):
        assert (await anonymous.post(f"{PORTAL}/authenticate", json={**ada, "code": wrong})).status_code == 401
    assert (await anonymous.post(f"{PORTAL}/authenticate", json={**ada, "code": right})).status_code == 401
    bad = await anonymous.post(f"{PORTAL}/authenticate", json={**ada, "code": "12345"})
    assert bad.json()["detail"][0]["loc"] == ["body", "code"]


async def test_one_mail_a_minute_and_half_an_hour(anonymous, ada, mailed):
    await asked(anonymous, ada)
    await asked(anonymous, ada)
    (first,) = await mailed()
    clock.move(timedelta(minutes=1))
    await asked(anonymous, ada)
    _, second = await mailed()
    old = {**ada, "code": code_of(first)}
    if code_of(first) != code_of(second):
        assert (await anonymous.post(f"{PORTAL}/authenticate", json=old)).status_code == 401
    clock.move(timedelta(minutes=31))
    assert (await anonymous.post(f"{PORTAL}/authenticate", json={**ada, "code": code_of(second)})).status_code == 401


async def test_an_older_code_is_no_good_for_a_new_address(anonymous, ada, mailed, bus, database):
    await asked(anonymous, ada)
    (message,) = await mailed()
    await moved(bus, database, "new@example.com")
    body = {**ada, "email": "new@example.com", "code": code_of(message)}
    assert (await anonymous.post(f"{PORTAL}/authenticate", json=body)).status_code == 401


async def test_a_session_ends_when_the_address_changes(anonymous, ada, mailed, bus, database):
    await asked(anonymous, ada)
    (message,) = await mailed()
    opened = await anonymous.post(f"{PORTAL}/authenticate", json={**ada, "code": code_of(message)})
    bearer = {"Authorization": f"Bearer {opened.json()['token']}"}
    assert (await anonymous.get("/internal/authenticate", headers=bearer)).status_code == 200
    await moved(bus, database, "new@example.com")
    assert (await anonymous.get("/internal/authenticate", headers=bearer)).status_code == 401


async def test_a_day_has_twenty_tries_and_ten_mails(anonymous, ada, mailed):
    tried = 0
    for _ in range(12):
        await asked(anonymous, ada)
        for _ in range(5):
            await anonymous.post(f"{PORTAL}/authenticate", json={**ada, "code": "000000"})
            tried += 1
        clock.move(timedelta(minutes=2))
    messages = await mailed()
    assert len(messages) == 10
    right = {**ada, "code": code_of(messages[-1])}
    assert (await anonymous.post(f"{PORTAL}/authenticate", json=right)).status_code == 401
    clock.move(timedelta(days=1))
    await asked(anonymous, ada)
    fresh = (await mailed())[-1]
    assert (await anonymous.post(f"{PORTAL}/authenticate", json={**ada, "code": code_of(fresh)})).status_code == 200


async def test_a_mail_is_tried_again_and_its_text_is_forgotten(anonymous, ada, database, mailed):
    async def refused(message):
        raise ConnectionRefusedError

    await asked(anonymous, ada)
    send = mail.send_mails(refused, "portal@acme.example")
    assert await send(database.transaction) == 1
    assert await send(database.transaction) == 0
    clock.move(timedelta(seconds=11))
    assert len(await mailed()) == 1
    async with database.transaction() as session:
        row = (await session.execute(text("select body, sent_at, attempts from mails"))).one()
    assert (row.body, row.sent_at is not None, row.attempts) == (None, True, 2)


async def test_a_mail_that_cannot_be_written_fails_alone(anonymous, ada, database, mailed):
    async with database.transaction() as session:
        await mail.write(session, "a@[b.de", "First\nBcc: x@y.example", "never arrives")
    await asked(anonymous, ada)
    assert [message["To"] for message in await mailed()] == ["Ada@Example.com"]
    async with database.transaction() as session:
        row = (await session.execute(text("select subject, attempts from mails where sent_at is null"))).one()
    assert (row.subject, row.attempts) == ("First Bcc: x@y.example", 1)


def test_only_known_ways_to_send():
    for url in ("http://example.com", "smtp://", "mails"):
        with pytest.raises(ValueError, match="neither"):
            mail.sender(url)


async def test_the_code_is_written_in_the_customers_language(anonymous, ada, mailed, bus, database):
    async with database.transaction() as session:
        known = (await session.execute(select(Known))).scalar_one()
    data = Customer.model_validate({**known.data, "locale": "pl-PL"}, extra="ignore")
    event = CustomerUpdatedV1(
        subject=known.id, organization_id=known.organization_id, time=clock.now(), sequence=2, data=data
    )
    await bus.deliver(event)
    await asked(anonymous, ada)
    (message,) = await mailed()
    assert message["Subject"] == f"{code_of(message)} to Twój kod do Acme"
    assert '<html lang="pl">' in message.get_body(("html",)).get_content()
