"""Credits of usage name a meter of their own organization."""

import asyncio

from servicekit import ids


def wished(meter_id):
    properties = {"units": 10, "rollover": False, "meter_id": str(meter_id)}
    return {"type": "meter_credit", "description": "Ten calls", "properties": properties}


async def test_a_foreign_or_invented_meter_is_refused(client, story, bus, organization_id):
    own, foreign = story.meter_created(organization_id), story.meter_created(ids.uuid7())
    await bus.deliver(own, foreign)
    for meter_id in (foreign.subject, ids.uuid7()):
        answer = await client.post("/v1/benefits/", json=wished(meter_id))
        problem = answer.json()["detail"][0]
        assert (answer.status_code, problem["loc"]) == (422, ["body", "properties", "meter_id"])
    made = await client.post("/v1/benefits/", json=wished(own.subject))
    assert made.status_code == 201
    changes = {"properties": wished(foreign.subject)["properties"]}
    assert (await client.patch(f"/v1/benefits/{made.json()['id']}", json=changes)).status_code == 422


async def test_a_meter_that_was_created_a_moment_ago_is_waited_for(client, story, bus, organization_id):
    event = story.meter_created(organization_id)
    asked = asyncio.create_task(client.post("/v1/benefits/", json=wished(event.subject)))
    await asyncio.sleep(0.1)
    await bus.deliver(event)
    assert (await asked).status_code == 201
