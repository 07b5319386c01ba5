"""Paying and refunding at once: money moves once, and whoever comes second is told why not again."""

from datetime import timedelta

from servicekit import clock, ids

from services.billing.tests.races.conftest import RACERS, ROUNDS, one_of

IN_PROGRESS = (409, "PaymentAlreadyInProgress")


async def test_what_was_declined_is_paid_again_once(race):
    for _ in range(ROUNDS):
        purchase = await race.buy()
        order_id = await race.fall_due(purchase)
        path = f"/v1/customer-portal/orders/{order_id}/confirm-payment"
        answers = await race.run(
            "POST", path, {"confirmation_token_id": "pm_card_visa"}, headers=race.portal(), beside=[race.collect()]
        )  # fmt: skip
        one_of(answers, IN_PROGRESS, (422, "OrderNotEligibleForRetry"))
        assert await race.payments(order_id) == {"failed": 1, "succeeded": 1}
        await race.end(purchase)


async def test_a_draft_is_finalized_once(race):
    product = await race.sell(4900, None)
    for _ in range(ROUNDS):
        purchase = await race.buy()
        body = {"customer_id": str(purchase.customer.id), "product_id": str(product.id)}
        draft = (await race.client.post("/v1/orders/", json=body)).json()
        answers = await race.run("POST", f"/v1/orders/{draft['id']}/finalize")
        one_of(answers, (412, "OrderNotDraft"))
        assert await race.payments(draft["id"]) == {"succeeded": 1}
        await race.end(purchase)


async def test_a_draft_whose_card_is_declined_is_a_draft_again(race):
    """Each request that finds it a draft may charge, one after the other: never two at once."""
    product = await race.sell(4900, None)
    for _ in range(ROUNDS):
        purchase = await race.buy()
        body = {"customer_id": str(purchase.customer.id), "product_id": str(product.id)}
        draft = (await race.client.post("/v1/orders/", json=body)).json()
        race.sandbox.faults(decline="insufficient_funds")
        answers = await race.run("POST", f"/v1/orders/{draft['id']}/finalize")
        race.sandbox.faults(decline="")
        assert set(answers) <= {(402, "OrderPaymentFailed"), (412, "OrderNotDraft")}, answers
        assert await race.payments(draft["id"]) == {"failed": answers[402, "OrderPaymentFailed"]}
        assert (await race.client.get(f"/v1/orders/{draft['id']}")).json()["status"] == "draft"
        await race.end(purchase)


async def test_a_new_default_card_is_asked_once_for_what_is_owed(race):
    """Every card is kept; the order is charged once, also when the worker collects and the customer pays meanwhile."""
    card = {"confirmation_token_id": "pm_card_visa", "set_default": True, "return_url": "https://shop.example/"}
    for _ in range(ROUNDS):
        purchase = await race.buy()
        order_id = await race.fall_due(purchase)
        own = race.portal()
        paid = race.client.post(
            f"/v1/customer-portal/orders/{order_id}/confirm-payment",
            json={"confirmation_token_id": "pm_card_visa"},
            headers=own,
        )
        path = "/v1/customer-portal/customers/me/payment-methods"
        answers = await race.run("POST", path, card, headers=own, beside=[race.collect(), paid])
        assert answers == {(201, None): RACERS}
        while await race.collect():
            pass
        assert await race.payments(order_id) == {"failed": 1, "succeeded": 1}
        await race.end(purchase)


async def test_everything_is_refunded_once(race):
    for _ in range(ROUNDS):
        purchase = await race.buy(interval=None)
        body = {"order_id": str(purchase.order_id), "amount": 1000, "reason": "customer_request"}
        one_of(await race.run("POST", "/v1/refunds/", body), (403, "RefundedAlready"), status=201)
        refunds = (await race.client.get("/v1/refunds/", params={"order_id": str(purchase.order_id)})).json()["items"]
        assert [one["amount"] for one in refunds] == [1000]


async def test_parts_are_refunded_until_nothing_is_left(race):
    """Five parts of 190 fit into 1000; what is left is refunded by the last two, 40 and 10."""
    for _ in range(ROUNDS):
        purchase = await race.buy(interval=None)
        about = {"order_id": str(purchase.order_id), "reason": "other"}
        answers = await race.run("POST", "/v1/refunds/", {**about, "amount": 190})
        assert answers == {(201, None): 5, (422, "RequestValidationError"): RACERS - 5}
        answers = await race.run("POST", "/v1/refunds/", {**about, "amount": 40}, {**about, "amount": 10})
        assert answers[201, None] in (2, 5), answers
        assert set(answers) <= {(201, None), (422, "RequestValidationError"), (403, "RefundedAlready")}
        refunds = (await race.client.get("/v1/refunds/", params={"order_id": str(purchase.order_id)})).json()["items"]
        assert sum(one["amount"] for one in refunds) == 1000


async def test_one_key_is_one_refund(race):
    for _ in range(ROUNDS):
        purchase = await race.buy(interval=None)
        body = {"order_id": str(purchase.order_id), "amount": 300, "reason": "other"}
        headers = {"Idempotency-Key": str(ids.uuid7())}
        answers = await race.run("POST", "/v1/refunds/", body, headers=headers)
        assert set(answers) <= {(201, None), (409, "IdempotencyKeyInFlight")}, answers
        order = (await race.client.get(f"/v1/orders/{purchase.order_id}")).json()
        assert order["refunded_amount"] == 300
        clock.move(timedelta(seconds=1))
