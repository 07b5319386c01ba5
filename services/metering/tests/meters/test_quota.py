"""One tenant makes meters without end: each of them is looked at for each event."""

from servicekit.testing.filling import check_quota

from services.metering.tests.meters.test_meters import ALL, METERS


async def test_meters_have_a_limit(client, settings, monkeypatch):
    body = {"name": "Tokens", "filter": ALL, "aggregation": {"func": "count"}}
    made = await check_quota(settings, monkeypatch, "meters", lambda _: client.post(METERS, json=body))
    assert (await client.patch(f"{METERS}{made[0]['id']}", json={"is_archived": True})).status_code == 200
    assert (await client.post(METERS, json=body)).status_code == 403, "an archived meter is there still"
