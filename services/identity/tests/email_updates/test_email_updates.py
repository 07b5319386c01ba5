"""Another e-mail address: proven by a mailed link, once, by whoever asked, and nothing of the old one stays open."""

import asyncio
import email
import email.policy
import re
from datetime import timedelta
from uuid import UUID

import pytest
from contracts.billing import Customer, CustomerCreatedV1, CustomerUpdatedV1
from contracts.identity import CustomerEmailVerifiedV1
from identity.commands import create_organization
from identity.organizations.models import Organization
from servicekit import clock, ids, mail
from servicekit.testing import signed_headers
from sqlalchemy import text, update

PATH = "/v1/customer-portal/customers/me/email-update"
PORTAL = "/v1/customer-portal/customer-session"
ALLOWED = {"customer_portal_settings": {"customer": {"allow_email_change": True}}}


@pytest.fixture
async def acme(settings, database):
    """An organization that lets its customers change their addresses."""
    made = await create_organization(settings, "Acme", "acme", frozenset({"orders:read"}))
    async with database.transaction() as session:
        await session.execute(update(Organization).values(settings=ALLOWED, email="help@acme.example"))
    return UUID(made["organization_id"])


@pytest.fixture
def customer(acme, bus):
    """Billing tells of a customer, or of their new address."""

    async def tell(address, known=None, sequence=1, **changes):
        data = Customer.model_validate({
            "id": known or ids.uuid7(), "created_at": clock.now(), "modified_at": None, "metadata": {},
            "external_id": None, "email": address, "email_verified": False, "type": "individual", "name": "Ada",
            "billing_name": None, "billing_address": None, "tax_id": None, "locale": None, "organization_id": acme,
            "deleted_at": None, "first_user_event_at": None, "avatar_url": None, "default_payment_method_id": None,
            **changes,
        })  # fmt: skip
        contract = CustomerCreatedV1 if sequence == 1 else CustomerUpdatedV1
        event = contract(subject=data.id, organization_id=acme, time=clock.now(), sequence=sequence, data=data)
        await bus.deliver(event)
        return data.id

    return tell


@pytest.fixture
def mailed(database, tmp_path):
    """Sends what is due into a folder, and reads the mails there: all texts of each recipient."""

    async def mailed():
        await mail.send_mails(mail.sender(f"file://{tmp_path}"), "portal@acme.example")(database.transaction)
        found = {}
        for path in sorted(tmp_path.glob("*.eml")):
            one = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            found[one["To"]] = found.get(one["To"], "") + one.get_body(("plain",)).get_content()
        return found

    return mailed


@pytest.fixture
def asked(anonymous, acme):
    """Asks for another address as a customer; returns the status."""

    async def ask(customer_id, address, scope="customer_portal:write"):
        headers = signed_headers(acme, scope, customer_id=customer_id)
        return await anonymous.post(f"{PATH}/request", headers=headers, json={"email": address})

    return ask


@pytest.fixture
def link(asked, mailed):
    """The token of the link that a customer asks for."""

    async def get(customer_id, address):
        assert (await asked(customer_id, address)).status_code == 202
        return re.search(r"/acme/portal/verify-email\?token=(\w+)", (await mailed())[address])[1]

    return get


async def verified(anonymous, token):
    return await anonymous.post(f"{PATH}/verify", json={"token": token})


async def is_in(anonymous, token):
    answer = await anonymous.get("/internal/authenticate", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code == 200


async def logged_in(anonymous, acme, address, mailed):
    """A session by a mailed code."""
    wish = {"email": address, "organization_id": str(acme)}
    assert (await anonymous.post(f"{PORTAL}/request", json=wish)).status_code == 202
    code = re.search(r"\b\d{6}\b", (await mailed())[address])[0]
    answer = await anonymous.post(f"{PORTAL}/authenticate", json={**wish, "code": code})
    assert answer.status_code == 200
    return answer.json()["token"]


async def test_a_proven_address_takes_the_place_of_the_old(anonymous, acme, customer, link, mailed, bus):
    ada = await customer("ada@example.com")
    old = await logged_in(anonymous, acme, "ada@example.com", mailed)
    token = await link(ada, "lovelace@example.com")
    assert (await anonymous.get(f"{PATH}/check", params={"token": token})).status_code == 204
    assert await is_in(anonymous, old)
    answer = await verified(anonymous, token)
    assert answer.status_code == 200, answer.text
    new = answer.json()["token"]
    assert not await is_in(anonymous, old)
    (event,) = await bus.recorded(CustomerEmailVerifiedV1)
    assert (event.data.customer_id, event.data.old_email, event.data.email) == (
        ada, "ada@example.com", "lovelace@example.com",
    )  # fmt: skip
    await customer("Lovelace@example.com", ada, 2)
    assert await is_in(anonymous, new)
    notice = (await mailed())["ada@example.com"]
    assert "l…@example.com" in notice
    assert "help@acme.example" in notice
    assert token not in notice


async def test_a_session_of_the_old_address_that_was_opened_meanwhile_ends(anonymous, acme, customer, link, mailed):
    ada = await customer("ada@example.com")
    new = (await verified(anonymous, await link(ada, "new@example.com"))).json()["token"]
    late = await logged_in(anonymous, acme, "ada@example.com", mailed)
    await customer("new@example.com", ada, 2)
    assert (await is_in(anonymous, late), await is_in(anonymous, new)) == (False, True)


async def test_a_code_for_the_old_address_is_worth_nothing(anonymous, acme, customer, link, mailed):
    ada = await customer("ada@example.com")
    wish = {"email": "ada@example.com", "organization_id": str(acme)}
    await anonymous.post(f"{PORTAL}/request", json=wish)
    code = re.search(r"\b\d{6}\b", (await mailed())["ada@example.com"])[0]
    await verified(anonymous, await link(ada, "new@example.com"))
    assert (await anonymous.post(f"{PORTAL}/authenticate", json={**wish, "code": code})).status_code == 401


async def test_a_link_works_once_and_for_half_an_hour(anonymous, customer, link, bus):
    ada = await customer("ada@example.com")
    token = await link(ada, "new@example.com")
    answers = await asyncio.gather(*(verified(anonymous, token) for _ in range(24)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 23
    assert len(await bus.recorded(CustomerEmailVerifiedV1)) == 1
    bob = await customer("bob@example.com")
    token = await link(bob, "robert@example.com")
    clock.move(timedelta(minutes=30, seconds=1))
    assert (await anonymous.get(f"{PATH}/check", params={"token": token})).status_code == 401
    assert (await verified(anonymous, token)).status_code == 401


async def test_the_next_wish_ends_the_link_before(anonymous, customer, link, asked):
    ada = await customer("ada@example.com")
    first = await link(ada, "first@example.com")
    clock.move(timedelta(seconds=61))
    second = await link(ada, "second@example.com")
    assert (await verified(anonymous, first)).status_code == 401
    assert (await verified(anonymous, second)).status_code == 200


async def test_an_address_in_use_is_neither_told_nor_taken(anonymous, customer, asked, link, mailed):
    ada = await customer("ada@example.com")
    await customer("bob@example.com")
    assert (await asked(ada, "BOB@example.com")).json() == {"status": "accepted"}
    assert await mailed() == {}
    clock.move(timedelta(seconds=61))
    token = await link(ada, "free@example.com")
    await customer("free@example.com")
    answer = await verified(anonymous, token)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "token"])


@pytest.mark.parametrize("change", [{"sequence": 2}, {"sequence": 2, "deleted_at": clock.now()}])
async def test_a_link_ends_when_the_customer_changed_otherwise(anonymous, customer, link, change):
    ada = await customer("ada@example.com")
    token = await link(ada, "new@example.com")
    await customer("ada@example.com" if "deleted_at" in change else "elsewhere@example.com", ada, **change)
    assert (await anonymous.get(f"{PATH}/check", params={"token": token})).status_code == 401
    assert (await verified(anonymous, token)).status_code == 401


async def test_the_organization_decides(anonymous, customer, asked, link, database):
    ada = await customer("ada@example.com")
    token = await link(ada, "new@example.com")
    async with database.transaction() as session:
        await session.execute(update(Organization).values(settings={}))
    clock.move(timedelta(seconds=61))
    refused = await asked(ada, "other@example.com")
    assert (refused.status_code, refused.json()["error"]) == (403, "EmailUpdateNotAllowed")
    assert (await verified(anonymous, token)).status_code == 401


async def test_who_may_ask_and_how_often(anonymous, customer, asked, mailed, database):
    ada = await customer("ada@example.com")
    assert (await asked(ada, "ADA@example.com")).status_code == 422
    assert (await asked(ada, "nobody")).status_code == 422
    assert (await asked(ada, "a@example.com", "customer_portal:read")).status_code == 403
    assert (await anonymous.post(f"{PATH}/request", json={"email": "a@example.com"})).status_code == 401
    assert (await asked(ids.uuid7(), "a@example.com")).status_code == 404
    for number in range(12):
        assert (await asked(ada, f"{number}@example.com")).status_code == 202
        clock.move(timedelta(seconds=30))
        assert (await asked(ada, f"again-{number}@example.com")).status_code == 202
        clock.move(timedelta(seconds=31))
    assert sorted(await mailed()) == sorted(f"{number}@example.com" for number in range(10))
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from email_updates"))).scalar_one() == 1


async def test_many_customers_flood_no_mailbox(customer, asked, mailed, database):
    """Anybody buys what is free with any number of addresses, and gets a session for each."""
    for number in range(14):
        known = await customer(f"made-up-{number}@example.com")
        assert (await asked(known, "victim@example.com")).status_code == 202
        assert (await asked(known, "Victim@Example.com")).status_code == 202
        clock.move(timedelta(seconds=61))
    async with database.transaction() as session:
        written = await session.execute(
            text("select count(*) from mails where lower(recipient) = 'victim@example.com'")
        )
    assert written.scalar_one() == 10
    clock.move(timedelta(days=1))
    assert (await asked(known, "victim@example.com")).status_code == 202
    assert "victim@example.com" in {one.lower() for one in await mailed()}


@pytest.mark.parametrize("token", ["polar_ceu_x", "x" * 255])
async def test_guesses(anonymous, acme, token):
    assert (await anonymous.get(f"{PATH}/check", params={"token": token})).status_code == 401
    assert (await verified(anonymous, token)).status_code == 401
