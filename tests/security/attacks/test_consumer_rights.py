"""New: functions without a login, which an address and an order's number open. Neither is told, nor guessed with."""

import email
import email.policy
from pathlib import Path

from polar_cli.stack import Stack
from servicekit.testing import eventually

from tests.security.attacks.people import PATIENCE, Seller, address

WITHDRAWALS = "/v1/customer-portal/withdrawals"
CANCELLATIONS = "/v1/customer-portal/cancellations"
AT_HOME = {"customer_billing_address": {"country": "DE"}}


def mails_to(folder: Path, mailbox: str) -> list[str]:
    """The subjects of the mails to an address."""
    found = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in folder.glob("*.eml")]
    return [str(message["subject"]) for message in found if mailbox in str(message["to"])]


async def test_a_stranger_withdraws_from_nothing_and_learns_nothing(stack: Stack, seller: Seller) -> None:
    mailbox, mails = address("withdrawing"), stack.folder / "mails"
    await seller.bought(await seller.product(2900), mailbox, **AT_HOME)
    customer = await seller.customer(mailbox)
    (order,) = await seller.until("orders", customer_id=customer["id"])
    right = {"organization_id": seller.organization_id, "email": mailbox, "order_number": order["invoice_number"]}
    wrong = [{**right, "email": address("stranger")}, {**right, "order_number": f"{order['invoice_number']}9"}]
    seen = set()
    for body in (*wrong, right):
        declared = await seller.nobody.post(f"{WITHDRAWALS}/request", json=body)
        guessed = await seller.nobody.post(f"{WITHDRAWALS}/confirm", json={**body, "code": "123456"})
        seen.add((declared.status_code, declared.text, guessed.status_code, guessed.text))
    assert len(seen) == 1, seen
    assert guessed.status_code == 401

    async def mailed() -> bool:
        return any("to withdraw from order" in subject for subject in mails_to(mails, mailbox))

    await eventually(mailed, seconds=PATIENCE, what="the code")
    assert mails_to(mails, wrong[0]["email"]) == []
    answer = await seller.api.get(f"/v1/orders/{order['id']}")
    assert (answer.json()["status"], answer.json()["refunded_amount"]) == ("paid", 0)


async def test_a_cancellation_says_nothing_and_ends_nothing_at_once(stack: Stack, seller: Seller) -> None:
    mailbox = address("cancelling")
    product = await seller.product(2900, recurring_interval="month")
    await seller.bought(product, mailbox, **AT_HOME)
    customer = await seller.customer(mailbox)
    (subscription,) = await seller.until("subscriptions", customer_id=customer["id"])
    right = {"organization_id": seller.organization_id, "email": mailbox, "contract_number": subscription["id"]}
    bodies = [{**right, "email": address("stranger")}, {**right, "kind": "extraordinary", "reason": "I am a stranger"}]
    for body in bodies:
        answer = await seller.nobody.post(f"{CANCELLATIONS}/", json=body)
        assert (answer.status_code, answer.json().keys()) == (202, {"status", "received_at"}), answer.text

    async def mailed() -> bool:
        return any("ends now" in subject for subject in mails_to(stack.folder / "mails", mailbox))

    await eventually(mailed, seconds=PATIENCE, what="the link")
    answer = await seller.api.get(f"/v1/subscriptions/{subscription['id']}")
    assert (answer.json()["status"], answer.json()["cancel_at_period_end"]) == ("active", False)
