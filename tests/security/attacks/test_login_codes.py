"""Cases 6, 11 and 12: codes are bound to their address, their tries are counted, and no mail stops the others."""

import email
import email.policy
import re
from pathlib import Path

import pytest
from polar_cli.stack import Stack
from servicekit.testing import eventually

from tests.security.attacks.people import PATIENCE, Seller, address

REQUEST = "/v1/customer-portal/customer-session/request"
AUTHENTICATE = "/v1/customer-portal/customer-session/authenticate"


def code_in(mails: Path, mailbox: str) -> str | None:
    """The code that was mailed to an address."""
    for path in mails.glob("*.eml"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        found = re.search(r"\A([A-Z0-9]{6,12}) is your code", str(message["subject"]))
        if mailbox in str(message["to"]) and found:
            return found[1]
    return None


async def code_for(stack: Stack, seller: Seller, mailbox: str) -> str:
    """Asks for a login code and reads it in the mailbox."""
    body = {"organization_id": seller.organization_id, "email": mailbox}

    async def mailed() -> str | None:
        # Identity may not have heard of a new customer yet: it asks for nothing then, and says the same.
        await seller.nobody.post(REQUEST, json=body)
        return code_in(stack.folder / "mails", mailbox)

    return await eventually(mailed, seconds=PATIENCE, what=f"the code of {mailbox}")


async def test_a_code_opens_nothing_once_the_address_was_changed(stack: Stack, seller: Seller) -> None:
    old, new = address("old"), address("new")
    customer = await seller.call("POST", "/v1/customers/", {"email": old})
    code = await code_for(stack, seller, old)
    await seller.call("PATCH", f"/v1/customers/{customer['id']}", {"email": new})
    for mailbox in (old, new):
        body = {"organization_id": seller.organization_id, "email": mailbox, "code": code}
        answer = await seller.nobody.post(AUTHENTICATE, json=body)
        if mailbox == new:
            assert answer.status_code == 401, answer.text


async def test_five_guesses_spend_a_code(stack: Stack, seller: Seller) -> None:
    mailbox = address("guessed")
    await seller.call("POST", "/v1/customers/", {"email": mailbox})
    code = await code_for(stack, seller, mailbox)
    body = {"organization_id": seller.organization_id, "email": mailbox}
    wrong = "0" * len(code) if code != "0" * len(code) else "1" * len(code)
    statuses = [(await seller.nobody.post(AUTHENTICATE, json={**body, "code": wrong})).status_code for _ in range(5)]
    assert statuses == [401] * 5
    assert (await seller.nobody.post(AUTHENTICATE, json={**body, "code": code})).status_code == 401


BROKEN = ["a@[b.de", "a\x1c@b.cc", "a@b.cc\nBcc: x@y.zz", "a@b.cc, x@y.zz", "<a@b.cc>", "a b@c.de", '"a"@b.cc']


@pytest.mark.parametrize("broken", BROKEN)
async def test_an_address_that_breaks_mail_is_refused(seller: Seller, broken: str) -> None:
    page = await seller.page(await seller.product())
    answers = [
        await seller.api.post("/v1/customers/", json={"email": broken}),
        await seller.nobody.patch(page, json={"customer_email": broken}),
        await seller.nobody.post(f"{page}/confirm", json={"customer_email": broken}),
        await seller.nobody.post(REQUEST, json={"organization_id": seller.organization_id, "email": broken}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 4, [answer.text for answer in answers]


@pytest.mark.parametrize("name", ["Evil\nBcc: x@y.zz", "Evil\r\nX: y", "Evil\u2028X: y", "Evil\x85X: y", "Evil\x7f"])
async def test_a_name_has_one_line(seller: Seller, name: str) -> None:
    path = f"/v1/organizations/{seller.organization_id}"
    answers = [
        await seller.api.patch(path, json={"name": name}),
        await seller.api.post("/v1/customers/", json={"email": address(), "name": name}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 2, [answer.text for answer in answers]
