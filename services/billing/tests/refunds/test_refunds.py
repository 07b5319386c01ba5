"""Refunds against the local Stripe: in parts, at once, refused, late, failing, repeated, and across crashes."""

import asyncio
from datetime import timedelta

import pytest
from billing.refunds import operations
from billing.refunds.models import Refund
from billing.refunds.timers import finish_refunds
from contracts.billing import OrderRefundedV1, OrderUpdatedV1, RefundCreatedV1, RefundUpdatedV1
from servicekit import clock, ids
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

REASON = {"reason": "customer_request"}


@pytest.fixture
def sold(bus, purchased, sandbox):
    """Sells for 100.00 and 19.00 of tax, paid at the local Stripe; returns the order's id."""

    async def sell(method="pm_card_visa", **changes):
        changes = {"amount": 10000, "tax": 1900, "interval": None, **changes}
        total = changes["amount"] - changes.get("off", 0) + changes["tax"]
        event = purchased(processor_id=sandbox.pay(total, method), **changes)
        await bus.deliver(event)
        return event.data.order_id

    return sell


async def refund(client, order_id, amount, headers=None, **fields):
    body = {"order_id": str(order_id), "amount": amount, **REASON, **fields}
    return await client.post("/v1/refunds/", json=body, headers=headers or {})


async def order_of(client, order_id):
    return (await client.get(f"/v1/orders/{order_id}")).json()


async def books(database):
    """The accounts that hold something."""
    async with database.transaction() as session:
        rows = await session.execute(
            text("select account, sum(amount) from ledger_entries group by account having sum(amount) <> 0")
        )
        return dict(rows.all())


async def test_refunds_in_isk_are_whole(client, bus, purchased, sandbox):
    """Stripe refunds no fractions of ISK: neither of the amount nor of the tax with it."""
    processor_id = sandbox.pay(24_400, currency="isk")
    event = purchased(processor_id=processor_id, amount=20_000, tax=4400, interval=None)
    price = event.data.price.model_copy(update={"price_currency": "isk"})
    payment = event.data.payment.model_copy(update={"currency": "isk"})
    event.data = event.data.model_copy(update={"currency": "isk", "price": price, "payment": payment})
    await bus.deliver(event)
    refused = await refund(client, event.data.order_id, 5050)
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "amount"])
    part = await refund(client, event.data.order_id, 5000)
    assert (part.status_code, part.json()["amount"], part.json()["tax_amount"]) == (201, 5000, 1100)
    rest = await refund(client, event.data.order_id, 15_000)
    assert (rest.json()["tax_amount"], rest.json()["status"]) == (3300, "succeeded")


async def test_parts_and_then_the_rest(client, bus, sold, database, sandbox):
    order_id = await sold()
    first = await refund(client, order_id, 3333, comment="half heard", metadata={"ticket": 7})
    assert first.status_code == 201, first.text
    body = first.json()
    assert (body["status"], body["amount"], body["tax_amount"], body["currency"]) == ("succeeded", 3333, 633, "usd")
    assert (body["order_id"], body["metadata"], body["dispute"]) == (str(order_id), {"ticket": 7}, None)
    assert "comment" not in body
    order = await order_of(client, order_id)
    assert (order["status"], order["paid"]) == ("partially_refunded", True)
    assert (order["refunded_amount"], order["refunded_tax_amount"]) == (3333, 633)
    assert (order["refundable_amount"], order["refundable_tax_amount"]) == (6667, 1267)
    second = await refund(client, order_id, 6667)
    assert second.json()["tax_amount"] == 1267
    order = await order_of(client, order_id)
    assert (order["status"], order["refundable_amount"], order["refundable_tax_amount"]) == ("refunded", 0, 0)
    assert sandbox.summary()["refunded"] == 11900
    assert await books(database) == {}
    third = await refund(client, order_id, 1)
    assert (third.status_code, third.json()["error"]) == (403, "RefundedAlready")
    names = [name for name in await bus.names() if name.startswith(("order", "refund"))]
    said = ["refund.created", "order.updated", "order.refunded"]
    assert names == ["order.created", "order.updated", "order.paid", *said, *said]
    assert [one.data.status for one in await bus.recorded(OrderRefundedV1)] == ["partially_refunded", "refunded"]


@pytest.mark.parametrize(
    ("fields", "status", "loc"),
    [
        ({"amount": 10001}, 422, ["body", "amount"]),
        ({"amount": 0}, 422, ["body", "amount"]),
        ({"amount": -5}, 422, ["body", "amount"]),
        ({"amount": 2**70}, 422, ["body", "amount"]),
        ({"reason": "dispute_prevention"}, 422, ["body", "reason"]),
        ({"order_id": "00000000-0000-4000-8000-000000000000"}, 422, ["body", "order_id"]),
        ({"metadata": {"": "x"}}, 422, None),
    ],
)
async def test_what_is_not_taken(client, sold, database, fields, status, loc):
    order_id = await sold()
    refused = await refund(client, fields.pop("order_id", order_id), fields.pop("amount", 100), **fields)
    assert refused.status_code == status, refused.text
    assert loc is None or refused.json()["detail"][0]["loc"] == loc
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from refunds"))).scalar_one() == 0


async def test_an_order_that_cost_nothing_has_nothing_to_give_back(client, bus, purchased):
    event = purchased(amount=0)
    await bus.deliver(event)
    refused = await refund(client, event.data.order_id, 1)
    assert (refused.status_code, refused.json()["error"]) == (403, "OrderNotPaid")


async def test_strangers_neither_see_nor_refund(client, stranger, sold):
    order_id = await sold()
    made = (await refund(client, order_id, 100)).json()
    assert (await refund(stranger, order_id, 100)).status_code == 422
    assert (await stranger.get("/v1/refunds/")).json()["items"] == []
    listed = await stranger.get("/v1/refunds/", params={"id": made["id"], "order_id": str(order_id)})
    assert listed.json()["pagination"]["total_count"] == 0


async def test_ten_at_once_never_give_more_than_was_paid(client, sold, database, sandbox):
    order_id = await sold()
    answers = await asyncio.gather(*(refund(client, order_id, 3000) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [422] * 7
    assert sandbox.summary()["refunded"] == 9000 + 1710
    assert (await order_of(client, order_id))["refunded_amount"] == 9000


async def test_the_database_itself_refuses_more_than_was_paid(sold, database):
    await sold()
    for change in (
        "update payments set refunded_amount = amount + 1",
        "update payments set refunded_amount = -1",
        "update orders set refunded_amount = total_amount + 1",
        "update orders set refunded_tax_amount = tax_amount + 1",
    ):
        with pytest.raises(DBAPIError, match=r"refund(s|ed)_check"):
            async with database.transaction() as session:
                await session.execute(text(change))


async def test_a_repeated_key_is_one_refund_even_after_the_answer_was_lost(client, sold, database, sandbox):
    order_id = await sold()
    keyed = {"Idempotency-Key": "refund-1"}
    first = await refund(client, order_id, 1000, keyed)
    again = await refund(client, order_id, 1000, keyed)
    async with database.transaction() as session:
        await session.execute(text("delete from idempotency_keys"))
    forgotten = await refund(client, order_id, 1000, keyed)
    assert first.json()["id"] == again.json()["id"] == forgotten.json()["id"]
    assert sandbox.summary()["refunded"] == 1190
    assert (await order_of(client, order_id))["refunded_amount"] == 1000


async def test_a_crash_before_stripe_was_asked_and_one_after(client, app, sold, database, sandbox, bus):
    """Killed between the wish and the charge, or after it: the timer finds what is open and makes it one refund."""
    processor = app.state.processor
    first = await sold()
    sandbox.faults(errors=3)
    pending = (await refund(client, first, 10000)).json()
    assert pending["status"] == "pending"
    sandbox.faults(errors=0)
    assert [one.data.status for one in await bus.recorded(RefundCreatedV1)] == ["pending"]
    order_id = await sold(email="bob@example.com")
    sandbox.faults(drop_answers=3)
    lost = (await refund(client, order_id, 10000)).json()
    sandbox.faults(drop_answers=0)
    assert lost["status"] in {"pending", "succeeded"}
    assert await finish_refunds(database.transaction, processor) == 0  # nothing is due yet
    clock.move(timedelta(days=2))  # Stripe has forgotten the keys
    while await finish_refunds(database.transaction, processor):
        pass
    assert sandbox.summary()["refunds"] == 2
    assert sandbox.summary()["refunded"] == 23800
    statuses = [one["status"] for one in (await client.get("/v1/refunds/")).json()["items"]]
    assert statuses == ["succeeded", "succeeded"]
    assert (await bus.recorded(RefundUpdatedV1))[0].data.status == "succeeded"


async def test_what_stripe_refuses_is_given_free_again(client, sold, sandbox, database, bus):
    order_id = await sold()
    charge = sandbox.objects("charge.succeeded")[-1]
    sandbox.post("/v1/refunds", charge=charge["id"], amount=5000)
    refused = await refund(client, order_id, 10000)
    assert (refused.status_code, refused.json()["error"]) == (400, "RefundRefused")
    sandbox.post("/v1/refunds", charge=charge["id"])
    refused = await refund(client, order_id, 10000)
    assert (refused.status_code, refused.json()["error"]) == (403, "RefundedAlready")
    order = await order_of(client, order_id)
    assert (order["status"], order["refunded_amount"], order["refundable_amount"]) == ("paid", 0, 10000)
    assert [one.data.status for one in await bus.recorded(RefundCreatedV1)] == ["failed", "failed"]
    assert await books(database) == {"processor": 11900, "merchant_balance": -10000, "tax_payable": -1900}


async def hear(database, said):
    async with database.transaction() as session:
        return await operations.hear(session, said)


async def test_a_refund_that_fails_days_later_is_taken_back(client, sold, sandbox, database, bus):
    order_id = await sold("pm_card_refundFail")
    made = (await refund(client, order_id, 10000, revoke_benefits=True)).json()
    order = await order_of(client, order_id)
    assert (made["status"], order["status"]) == ("succeeded", "refunded")
    assert order["benefits_revoked_at"] is not None
    created = sandbox.objects("refund.created")[-1]
    sandbox.control(f"refunds/{created['id']}/settle")
    failed = sandbox.objects("refund.failed")[-1]
    for said in (failed, failed, created):  # twice, and the older one after it
        assert await hear(database, said)
    order = await order_of(client, order_id)
    assert (order["status"], order["refunded_amount"], order["refunded_tax_amount"]) == ("paid", 0, 0)
    assert order["benefits_revoked_at"] is None
    assert await books(database) == {"processor": 11900, "merchant_balance": -10000, "tax_payable": -1900}
    (updated,) = await bus.recorded(RefundUpdatedV1)
    assert updated.data.status == "failed"
    assert (await bus.recorded(OrderUpdatedV1))[-1].data.status == "paid"
    assert (await refund(client, order_id, 10000)).status_code == 201


async def test_a_refund_that_is_late_counts_when_it_is_there(client, app, sold, sandbox, database, bus):
    order_id = await sold("pm_card_pendingRefund")
    made = (await refund(client, order_id, 4000)).json()
    assert made["status"] == "pending"
    order = await order_of(client, order_id)
    assert (order["status"], order["refunded_amount"], order["refundable_amount"]) == ("paid", 4000, 6000)
    assert "refunds" not in await books(database)
    (created,) = sandbox.objects("refund.created")
    sandbox.control(f"refunds/{created['id']}/settle")
    clock.move(timedelta(hours=2))
    assert await finish_refunds(database.transaction, app.state.processor) == 1
    assert await hear(database, created)  # the call-back of its making comes last
    order = await order_of(client, order_id)
    assert order["status"] == "partially_refunded"
    assert (await books(database))["processor"] == 11900 - 4760
    assert [one.data.status for one in await bus.recorded(RefundUpdatedV1)] == ["succeeded"]
    assert len(await bus.recorded(OrderRefundedV1)) == 1


async def test_a_call_back_that_overtakes_the_answer(client, sold, sandbox, database, monkeypatch):
    """The call-back names our id: it is taken before the answer was written down, and the answer changes nothing."""
    order_id = await sold()
    send = operations.send

    async def overtaken(sessions, processor, wish, *, again=False):
        about = {"metadata[refund_id]": str(wish.id), "metadata[order_id]": str(order_id)}
        payment = sandbox.objects("payment_intent.succeeded")[-1]["id"]
        key = {"Idempotency-Key": wish.idempotency_key}
        form = {"payment_intent": payment, "amount": wish.total, "reason": "requested_by_customer", **about}
        said = sandbox._http.post("/v1/refunds", data=form, headers=key).raise_for_status().json()
        assert await hear(database, said)
        await send(sessions, processor, wish, again=True)

    monkeypatch.setattr(operations, "send", overtaken)
    assert (await refund(client, order_id, 10000)).json()["status"] == "succeeded"
    assert sandbox.summary()["refunds"] == 1
    assert await books(database) == {}


async def test_a_strange_refund_is_not_ours(database):
    said = {"id": "re_1", "status": "succeeded", "amount": 5, "currency": "usd", "metadata": {"refund_id": "no uuid"}}
    assert not await hear(database, said)
    assert not await hear(database, {**said, "metadata": {"refund_id": str(ids.uuid7())}})


async def test_benefits_of_a_subscription_end_with_it(client, sold):
    refused = await refund(client, await sold(interval="month"), 100, revoke_benefits=True)
    assert (refused.status_code, refused.json()["error"]) == (400, "RevokeBenefitsNotAllowed")


async def test_lists_are_filtered_and_paged(client, sold, database):
    order_id = await sold(customer={"external_id": "ada-1"})
    other = await sold(email="bob@example.com", interval="month")
    for amount in (300, 100, 200):
        await refund(client, order_id, amount)
    await refund(client, other, 500)

    async def amounts(**query):
        answer = await client.get("/v1/refunds/", params=query)
        assert answer.status_code == 200, answer.text
        return [one["amount"] for one in answer.json()["items"]]

    assert await amounts() == [500, 200, 100, 300]
    assert await amounts(order_id=str(order_id), sorting="amount") == [100, 200, 300]
    assert await amounts(sorting="-amount", limit=2, page=2) == [200, 100]
    assert await amounts(external_customer_id="ada-1", sorting="amount") == [100, 200, 300]
    assert await amounts(succeeded="false") == []
    subscription = (await client.get("/v1/subscriptions/")).json()["items"][0]["id"]
    assert await amounts(subscription_id=subscription) == [500]
    assert await amounts(customer_id=str(ids.uuid7())) == []


async def test_the_row_counts_what_the_order_does(sold, client, database):
    order_id = await sold()
    await refund(client, order_id, 2500)
    async with database.transaction() as session:
        kept = await session.get(Refund, (await session.execute(text("select id from refunds"))).scalar_one())
        assert kept.order_id == order_id
        assert kept.processor_id.startswith("re_")
        assert (await session.execute(text("select refunded_amount from payments"))).scalar_one() == kept.total == 2975
