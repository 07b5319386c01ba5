"""Any part is killed with -9 between confirm and delivery: after it is back, every effect is there exactly once."""

import asyncio

import pytest

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
