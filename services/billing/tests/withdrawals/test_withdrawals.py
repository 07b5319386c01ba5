"""Withdrawing from a contract: once, in time, for as much as was paid, and by nobody but who has the mailbox."""

import asyncio
from datetime import datetime, timedelta

import pytest
from billing.audit.run import audit
from billing.disputes import operations as disputes
from billing.invariants import INVARIANTS
from contracts.billing import OrderRefundedV1, OrderUpdatedV1, SubscriptionRevokedV1
from contracts.identity import ConsumerRight, ConsumerRights, CustomerEmailSettings
from servicekit import clock, ids
from servicekit.invariants import Invariants
from sqlalchemy import text

CONFIRM = "/v1/customer-portal/withdrawals/confirm"
REQUEST = "/v1/customer-portal/withdrawals/request"
MONTHLY = {"interval": "month"}


async def order_of(client, order):
    return (await client.get(f"/v1/orders/{order['id']}")).json()


async def agrees(database):
    """The audit finds no difference, and what must hold of the books does."""
    async with database.transaction() as session:
        await session.execute(text("update outbox set published_at = created_at"))
    assert (await audit(database, None)).differences == {}
    invariants = Invariants(INVARIANTS)
    await invariants.check(database.transaction)
    assert [state.name for state in invariants.states.values() if not state.holds] == []


async def test_what_was_bought_once_goes_back_with_its_benefits(
    client, bus, bought, confirmed, mailed, database, sandbox
):
    order = await bought()
    answer = await confirmed(order, name="Ada Lovelace")
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["refund_amount"], said["currency"], said["is_pro_rata"]) == (11900, "usd", False)
    assert said["order_number"] == order["invoice_number"]
    assert sandbox.summary()["refunded"] == 11900
    after = await order_of(client, order)
    assert after["status"] == "refunded"
    assert after["benefits_revoked_at"] is not None
    (refund,) = (await client.get("/v1/refunds/")).json()["items"]
    assert (refund["reason"], refund["metadata"]) == ("customer_request", {"withdrawal_id": said["id"]})
    (receipt,) = await mailed("withdrawal")
    at = datetime.fromisoformat(said["requested_at"])
    for part in (order["invoice_number"], "Pro Plan", "Ada Lovelace", "ada@example.com", "119.00 USD"):
        assert part in receipt.body
    assert f"{at:%H:%M:%S} (UTC)" in receipt.body
    assert receipt.recipient == "ada@example.com"
    assert len(await bus.recorded(OrderRefundedV1)) == 1
    await agrees(database)


async def test_twice_and_at_once_is_one_withdrawal(client, anonymous, bought, declared, mailed, database, sandbox):
    order = await bought()
    body = await declared(order)
    answers = await asyncio.gather(*(anonymous.post(CONFIRM, json=body) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4, [answer.text for answer in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1
    clock.move(timedelta(minutes=2))
    again = await anonymous.post(CONFIRM, json=await declared(order))
    assert again.json() == answers[0].json()
    assert sandbox.summary()["refunded"] == 11900
    assert len(await mailed("withdrawal")) == 1
    await agrees(database)


async def test_the_last_second_counts_and_the_next_does_not(anonymous, bought, declared, late):
    """In time is what is declared in time, though the code comes back after the end."""
    order = await bought()
    ends = late(order, timedelta(seconds=1))
    body = await declared(order)
    clock.move(timedelta(seconds=70))
    answer = await anonymous.post(CONFIRM, json=body)
    assert answer.status_code == 200, answer.text
    assert datetime.fromisoformat(answer.json()["period_ends_at"]) == ends
    other = await bought(email="ada@example.com", amount=5000, tax=0)
    late(other, -timedelta(seconds=1))
    answer = await anonymous.post(CONFIRM, json=await declared(other))
    assert (answer.status_code, answer.json()["error"]) == (403, "WithdrawalPeriodOver")


async def test_whoever_asks_again_has_declared_when_they_asked_first(anonymous, bought, declared, late, mailed):
    """The mail was slow, or a stranger asks on: what was declared in time stays in time while its code is good."""
    order = await bought()
    late(order, timedelta(seconds=30))
    first = clock.now()
    await declared(order)
    clock.move(timedelta(minutes=29))
    body = await declared(order)
    assert len(await mailed("withdrawal_code")) == 2
    clock.move(timedelta(minutes=29))
    answer = await anonymous.post(CONFIRM, json=body)
    assert answer.status_code == 200, answer.text
    assert abs(datetime.fromisoformat(answer.json()["requested_at"]) - first) < timedelta(seconds=10)


async def test_a_declaration_whose_code_is_over_counts_no_more(anonymous, bought, declared, late):
    order = await bought()
    late(order, timedelta(seconds=30))
    await declared(order)
    clock.move(timedelta(minutes=31))
    answer = await anonymous.post(CONFIRM, json=await declared(order))
    assert (answer.status_code, answer.json()["error"]) == (403, "WithdrawalPeriodOver")


async def test_what_is_free_floods_no_mailbox_with_codes(anonymous, bought, declared, named, mailed):
    """Anybody takes any number of free products with an address, and asks for a code for each, all day."""
    free = [await bought(amount=0, tax=0) for _ in range(6)]
    for _ in range(4):
        for order in free:
            assert (await anonymous.post(REQUEST, json=named(order))).status_code == 202
            clock.move(timedelta(seconds=61))
    assert len(await mailed("withdrawal_code")) == 10
    # What was paid for is counted by itself: nobody takes the customer's own codes from them.
    assert (await anonymous.post(CONFIRM, json=await declared(await bought()))).status_code == 200
    assert len(await mailed("withdrawal_code")) == 11


async def test_a_subscription_ends_and_all_of_it_goes_back(client, bus, bought, confirmed, database, sandbox):
    order = await bought(**MONTHLY)
    clock.move(timedelta(days=6))
    answer = await confirmed(order)
    assert (answer.json()["refund_amount"], answer.json()["subscription_id"]) == (11900, order["subscription_id"])
    subscription = (await client.get(f"/v1/subscriptions/{order['subscription_id']}")).json()
    assert (subscription["status"], subscription["ended_at"] is not None) == ("canceled", True)
    assert len(await bus.recorded(SubscriptionRevokedV1)) == 1
    assert sandbox.summary()["refunded"] == 11900
    await agrees(database)


async def test_with_the_consent_the_time_until_then_is_paid_for(client, bought, confirmed, mailed, database, sandbox):
    order = await bought(consents=True, **MONTHLY)
    (confirmation,) = await mailed("order_confirmation")
    assert "pay for the time until then" in confirmation.body
    clock.move(timedelta(days=6))
    said = (await confirmed(order)).json()
    subscription = (await client.get(f"/v1/subscriptions/{order['subscription_id']}")).json()
    start, end = (datetime.fromisoformat(subscription[f"current_period_{name}"]) for name in ("start", "end"))
    left = (end - datetime.fromisoformat(said["requested_at"])) / (end - start)
    assert said["is_pro_rata"]
    assert abs(said["refund_amount"] - 11900 * left) <= 2
    assert sandbox.summary()["refunded"] == said["refund_amount"]
    (receipt,) = await mailed("withdrawal")
    assert "the time until your declaration is paid for" in receipt.body
    await agrees(database)


async def test_with_the_consent_what_was_bought_once_stays(client, bought, confirmed, mailed, sandbox):
    """The confirmation repeats it, though the seller switched confirmations off: without it the right would stay."""
    switched_off = CustomerEmailSettings(order_confirmation=False)
    order = await bought(consents=True, seller={"customer_email_settings": switched_off})
    (confirmation,) = await mailed("order_confirmation")
    assert "you lose your right of withdrawal by that" in confirmation.body
    assert confirmation.letter["links"] == []
    answer = await confirmed(order)
    assert (answer.status_code, answer.json()["error"]) == (403, "WithdrawalRightLost")
    assert sandbox.summary()["refunded"] == 0
    assert (await order_of(client, order))["immediate_delivery_consent"]["wording"] == "2026-12-01"


async def test_after_a_part_was_refunded_the_rest_goes_back(client, bought, confirmed, database, sandbox):
    order = await bought()
    body = {"order_id": order["id"], "amount": 4000, "reason": "other"}
    assert (await client.post("/v1/refunds/", json=body)).status_code == 201
    assert (await confirmed(order)).json()["refund_amount"] == 11900 - 4760
    assert sandbox.summary()["refunded"] == 11900
    await agrees(database)


@pytest.mark.parametrize("amount", [10000, 0])
async def test_where_nothing_is_left_the_benefits_are_taken(client, bus, bought, confirmed, mailed, amount):
    order = await bought(amount=amount, tax=0)
    if amount:
        await client.post("/v1/refunds/", json={"order_id": order["id"], "amount": amount, "reason": "other"})
    assert (await confirmed(order)).json()["refund_amount"] == 0
    assert (await bus.recorded(OrderUpdatedV1))[-1].data.benefits_revoked_at is not None
    assert "There is no payment to give back" in (await mailed("withdrawal"))[0].body


async def test_what_a_bank_disputes_is_not_given_back_twice(client, bought, confirmed, mailed, database, sandbox):
    order = await bought(method="pm_card_createDispute")
    async with database.transaction() as session:
        assert await disputes.hear(session, sandbox.objects("charge.dispute.created")[0])
    said = (await confirmed(order)).json()
    assert (said["refund_amount"], said["is_disputed"]) == (0, True)
    assert sandbox.summary()["refunded"] == 0
    assert (await order_of(client, order))["benefits_revoked_at"] is not None
    assert "disputed" in (await mailed("withdrawal"))[0].body


async def test_isk_goes_back_in_whole_kronur(client, bus, purchased, sandbox, told, confirmed, database):
    await told()
    event = purchased(
        processor_id=sandbox.pay(24_400, currency="isk"), amount=20_000, tax=4400, interval="month",
        customer={"billing_address": {"country": "IS"}},
        immediate_delivery_consent={
            "consented_at": clock.now(), "wording": "2026-12-01", "country": "IS", "locale": "en",
        },
    )  # fmt: skip
    price = event.data.price.model_copy(update={"price_currency": "isk"})
    payment = event.data.payment.model_copy(update={"currency": "isk"})
    event.data = event.data.model_copy(update={"currency": "isk", "price": price, "payment": payment})
    await bus.deliver(event)
    clock.move(timedelta(days=6))
    order = (await client.get(f"/v1/orders/{event.data.order_id}")).json()
    said = (await confirmed(order)).json()
    assert 0 < said["refund_amount"] < 24_400
    assert said["refund_amount"] % 100 == 0
    assert sandbox.summary()["refunded"] == said["refund_amount"]


async def test_nobody_learns_what_there_is(client, anonymous, bought, declared, mailed, named):
    order = await bought()
    strangers = [
        named(order, email="eve@example.com"),
        named(order, order_number="ACME-NOBODY-0001"),
        named(order, organization_id=str(ids.uuid7())),
    ]
    answers = []
    for body in strangers:
        answer = await anonymous.post(REQUEST, json=body)
        assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
        answers.append((await anonymous.post(CONFIRM, json={**body, "code": "123456"})).json())
    assert await mailed("withdrawal_code") == []
    body = await declared(order)
    wrong = "000000" if body["code"] != "000000" else "111111"
    answers.append((await anonymous.post(CONFIRM, json={**body, "code": wrong})).json())
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["error"] == "Unauthorized"


async def test_a_code_is_good_for_one_order_and_few_tries(anonymous, bought, declared, named, mailed):
    order, other = await bought(), await bought(amount=500, tax=0)
    body = await declared(order)
    await declared(other)
    swapped = {**named(other), "code": body["code"]}
    if (await mailed("withdrawal_code"))[-1].subject[:6] != body["code"]:
        assert (await anonymous.post(CONFIRM, json=swapped)).status_code == 401
    wrong = {**body, "code": "000000" if body["code"] != "000000" else "111111"}
    assert [(await anonymous.post(CONFIRM, json=wrong)).status_code for _ in range(5)] == [401] * 5
    assert (await anonymous.post(CONFIRM, json=body)).status_code == 401


@pytest.mark.parametrize(
    ("changes", "rights"),
    [
        ({"is_business_customer": True}, {}),
        ({"country": "US"}, {}),
        ({}, {"withdrawal": ConsumerRight(enabled=False)}),
        ({}, {"withdrawal": ConsumerRight(countries={"DE": False})}),
    ],
)
async def test_to_whom_it_is_not_offered(bought, confirmed, told, mailed, changes, rights):
    order = await bought(**changes)
    await told(consumer_rights=ConsumerRights(**rights))
    answer = await confirmed(order)
    assert (answer.status_code, answer.json()["error"]) == (403, "WithdrawalNotOffered")
    assert await mailed("withdrawal") == []


async def test_a_seller_may_offer_it_elsewhere(bought, confirmed, told):
    order = await bought(country="US")
    await told(consumer_rights=ConsumerRights(withdrawal=ConsumerRight(countries={"US": True})))
    assert (await confirmed(order)).json()["refund_amount"] == 11900
