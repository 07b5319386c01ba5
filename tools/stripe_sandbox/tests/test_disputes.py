"""Disputes, refunds that come to their outcome late, and Stripe's fees, through the official library."""

from typing import Any

import pytest
import stripe


async def pay(client: stripe.StripeClient, method: str = "pm_card_visa", **fields: Any) -> Any:
    wish: Any = {"amount": 1190, "currency": "eur", "payment_method": method, "confirm": True, **fields}
    return await client.v1.payment_intents.create_async(wish)


async def dispute_of(client, intent):
    (found,) = (await client.v1.disputes.list_async({"payment_intent": intent.id})).data
    return found


async def test_a_disputed_charge_takes_the_money_and_refuses_refunds(client, receiver):
    intent = await pay(client, "pm_card_createDispute")
    dispute = await dispute_of(client, intent)
    assert (dispute.status, dispute.amount, dispute.reason) == ("needs_response", 1190, "fraudulent")
    (taken,) = dispute.balance_transactions
    assert (taken["amount"], taken["fee"], taken["net"]) == (-1190, 1500, -2690)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert caught.value.code == "charge_disputed"
    for kind in ("charge.dispute.created", "charge.dispute.funds_withdrawn"):
        (event,) = await receiver.of_type(kind)
        assert event["data"]["object"]["id"] == dispute.id


@pytest.mark.parametrize(
    ("words", "status", "returned"), [("winning_evidence", "won", 1190), ("losing_evidence", "lost", 0)]
)
async def test_evidence_decides(client, receiver, words, status, returned):
    dispute = await dispute_of(client, await pay(client, "pm_card_createDisputeProductNotReceived"))
    decided = await client.v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": words}})
    assert decided.status == status
    assert sum(one["amount"] for one in decided.balance_transactions) == returned - 1190
    assert (await receiver.of_type("charge.dispute.closed"))[0]["data"]["object"]["status"] == status
    assert (await receiver.of_type("charge.dispute.updated"))[0]["data"]["object"]["status"] == "under_review"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        await client.v1.disputes.close_async(dispute.id)


async def test_an_inquiry_takes_nothing_until_it_is_lost(client):
    intent = await pay(client, "pm_card_createDisputeInquiry")
    dispute = await dispute_of(client, intent)
    assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])
    assert (await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 190})).status == "succeeded"
    lost = await client.v1.disputes.close_async(dispute.id)
    assert (lost.status, len(lost.balance_transactions)) == ("lost", 1)


async def test_a_test_disputes_any_charge_and_decides(client, sandbox):
    intent = await pay(client)
    opened = await sandbox.control("POST", "_sandbox/disputes", {"payment_intent": intent.id, "reason": "duplicate"})
    won = await sandbox.control("POST", f"_sandbox/disputes/{opened['id']}/decide", {"won": True})
    assert (opened["reason"], won["status"]) == ("duplicate", "won")
    assert (await client.v1.refunds.create_async({"payment_intent": intent.id})).amount == 1190


async def test_a_refund_that_is_late_and_one_that_fails(client, sandbox, receiver):
    late = await pay(client, "pm_card_pendingRefund")
    refund = await client.v1.refunds.create_async({"payment_intent": late.id, "amount": 500})
    assert refund.status == "pending"
    assert (await sandbox.control("POST", f"_sandbox/refunds/{refund.id}/settle"))["status"] == "succeeded"
    assert (await receiver.of_type("refund.updated"))[0]["data"]["object"]["status"] == "succeeded"
    failing = await pay(client, "pm_card_refundFail")
    refund = await client.v1.refunds.create_async({"payment_intent": failing.id})
    assert refund.status == "succeeded"
    (event,) = await receiver.of_type("refund.failed")  # by itself, after its two seconds
    assert event["data"]["object"]["failure_reason"] == "expired_or_canceled_card"
    charge = await client.v1.charges.retrieve_async(failing.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)


async def test_the_fee_stands_in_the_balance_transaction(client):
    intent = await pay(client, expand=["latest_charge.balance_transaction"])
    moved = intent.latest_charge.balance_transaction
    assert (moved.amount, moved.fee, moved.net) == (1190, 65, 1125)
    assert (await client.v1.balance_transactions.retrieve_async(moved.id)).source == intent.latest_charge.id
