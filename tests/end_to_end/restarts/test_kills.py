"""Any part is killed with -9 between confirm and delivery: after it is back, every effect is there exactly once."""

import asyncio

import httpx
import pytest
from servicekit.testing import eventually

WORKERS = [f"{service}.worker" for service in ("identity", "catalog", "checkout", "billing", "benefits", "webhooks")]
APIS = [f"{service}.api" for service in ("identity", "checkout", "billing", "webhooks")]


@pytest.mark.parametrize("part", [*WORKERS, "rabbitmq", "postgres", "stripe", "gateway", *APIS])
async def test_killed_between_confirm_and_delivery(shop, stack, receiver, part):
    checkout = await shop.checkout()
    receiver.held.clear()
    answer = await shop.confirm(checkout)
    try:
        assert answer.status_code == 200, answer.text
        await asyncio.to_thread(stack.kill, part)
    finally:
        receiver.held.set()
        await asyncio.to_thread(stack.restart, part)
    await shop.settled(answer.json())


@pytest.mark.parametrize("part", ["checkout.api", "postgres", "stripe", "rabbitmq"])
async def test_killed_while_confirming(shop, stack, part):
    """The buyer does not know what became of it and confirms again: one payment, one order."""
    checkout = await shop.checkout()
    confirming = asyncio.create_task(shop.confirm(checkout))
    await asyncio.sleep(0.02)
    await asyncio.to_thread(stack.kill, part)
    await asyncio.to_thread(stack.restart, part)
    await asyncio.gather(confirming, return_exceptions=True)
    async with asyncio.timeout(60):
        while (answer := await shop.confirm(checkout)).status_code != 200:
            assert answer.status_code in {409, 502, 503}, answer.text
            await asyncio.sleep(0.2)
    await shop.settled(answer.json())
    async with asyncio.timeout(60):
        while (await shop.call("GET", f"/v1/checkouts/{checkout['id']}"))["status"] != "completed":
            await asyncio.sleep(0.2)


async def test_killed_between_the_charge_and_its_commit(shop, stack):
    """Stripe has the money and its answer hangs when both processes of checkout are killed, and no call-back comes: the
    next start finds the payment, and finishes the purchase without the buyer. One intent, one payment, one order."""
    checkout = await shop.checkout()
    async with httpx.AsyncClient(
        base_url=stack.stripe_url, headers={"Authorization": "Bearer sk_test_local"}
    ) as stripe:

        async def intents():
            listed = (await stripe.get("/v1/payment_intents", params={"limit": 100})).raise_for_status().json()["data"]
            return [one for one in listed if one["metadata"].get("checkout_id") == checkout["id"]]

        faults = {"hang_answers": 1, "webhooks": "drop"}
        (await stripe.post("/_sandbox/faults", json=faults)).raise_for_status()
        confirming = asyncio.create_task(shop.confirm(checkout))
        try:
            (charged,) = await eventually(intents, seconds=60, what="the charge")
            assert charged["status"] == "succeeded"
            assert not confirming.done(), "its answer hangs"
            await asyncio.gather(*(asyncio.to_thread(stack.kill, f"checkout.{kind}") for kind in ("api", "worker")))
        finally:
            calm = {"hang_answers": 0, "webhooks": "deliver"}
            (await stripe.post("/_sandbox/faults", json=calm)).raise_for_status()
            for kind in ("api", "worker"):
                await asyncio.to_thread(stack.restart, f"checkout.{kind}")
        (answered,) = await asyncio.gather(confirming, return_exceptions=True)
        assert not isinstance(answered, httpx.Response) or answered.status_code in {502, 503, 504}, answered.text
        before = await shop.call("GET", f"/v1/checkouts/{checkout['id']}")
        assert before["status"] in {"confirmed", "completed"}

        async def finished():
            # The gateway may hold a service for away that has just come back.
            answer = await shop.api.get(f"/v1/checkouts/{checkout['id']}")
            return answer.is_success and answer.json()["status"] == "completed"

        await eventually(finished, seconds=120, what="the purchase that a crash left open")
        assert [one["id"] for one in await intents()] == [charged["id"]], "the buyer paid once"
    ids = (await shop.confirm(checkout)).raise_for_status().json()
    await shop.settled(ids)
