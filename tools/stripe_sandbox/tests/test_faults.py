"""What survives: kills, lost answers, refused and repeated call-backs."""

import asyncio

import pytest
import stripe

from .test_payments import pay


async def test_a_kill_loses_nothing(sandbox, client, receiver):
    customer = await client.v1.customers.create_async({"email": "ada@example.com"})
    intent = await pay(client, key="k1", customer=customer.id, setup_future_usage="off_session")
    await receiver.of_type("payment_intent.succeeded")
    receiver.refusals = 1000
    later = await pay(client, amount=777)
    sandbox.kill()
    receiver.refusals = 0
    await sandbox.start()
    assert (await client.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"
    assert (await pay(client, key="k1", customer=customer.id, setup_future_usage="off_session")).id == intent.id
    assert (await pay(client, intent.payment_method, customer=customer.id, off_session=True)).status == "succeeded"
    paid = await receiver.of_type("payment_intent.succeeded", 3)
    assert later.id in {event["data"]["object"]["id"] for event in paid}


async def test_a_lost_answer_is_found_again(sandbox, client):
    await sandbox.faults(drop_answers=1)
    with pytest.raises(stripe.APIConnectionError):
        await pay(client, key="k1")
    assert (await sandbox.summary())["succeeded"] == 1
    assert (await pay(client, key="k1")).status == "succeeded"
    assert (await sandbox.summary())["succeeded"] == 1


async def test_the_library_itself_repeats_safely(sandbox):
    await sandbox.faults(drop_answers=1, errors=1)
    assert (await pay(sandbox.client(max_network_retries=3))).status == "succeeded"
    assert (await sandbox.summary())["succeeded"] == 1


async def test_a_hanging_answer_holds_its_key(sandbox, client):
    await sandbox.faults(hang_answers=1)
    hanging = asyncio.create_task(pay(client, key="k1"))
    async with asyncio.timeout(60):
        while not (await sandbox.summary())["succeeded"]:
            await asyncio.sleep(0.01)
    with pytest.raises(stripe.APIError) as caught:
        await pay(client, key="k1")
    assert caught.value.http_status == 409
    hanging.cancel()
    async with asyncio.timeout(60):
        while True:
            try:
                assert (await pay(client, key="k1")).status == "succeeded"
                break
            except stripe.APIError:
                await asyncio.sleep(0.01)
    assert (await sandbox.summary())["succeeded"] == 1


async def test_an_error_does_nothing(sandbox, client):
    await sandbox.faults(errors=1)
    with pytest.raises(stripe.APIError):
        await pay(client, key="k1")
    assert (await sandbox.summary())["payment_intents"] == 0


async def test_call_backs_are_repeated_until_taken(client, receiver):
    receiver.refusals = 3
    intent = await pay(client)
    events = await receiver.of_type("payment_intent.succeeded")
    assert events[0]["data"]["object"]["id"] == intent.id


async def test_call_backs_can_be_dropped_doubled_and_asked_for(sandbox, client, receiver):
    await sandbox.faults(webhooks="drop")
    await pay(client)
    assert (await sandbox.summary())["webhooks"] == {"delivered": 0, "waiting": 0}
    listed = await client.v1.events.list_async({"type": "payment_intent.succeeded"})
    await sandbox.control("POST", f"_sandbox/events/{listed.data[0].id}/redeliver")
    assert (await receiver.of_type("payment_intent.succeeded"))[0]["id"] == listed.data[0].id
    await sandbox.faults(webhooks="twice")
    await pay(client)
    ids = [event["id"] for event in await receiver.of_type("payment_intent.succeeded", 3)]
    assert len(set(ids)) == 2
