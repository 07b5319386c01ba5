"""One tenant makes endpoints without end, so that each event is sent to a victim many times."""

from servicekit.testing.filling import check_quota

PATH = "/v1/webhooks/endpoints"


async def test_endpoints_have_a_limit(client, stranger, settings, monkeypatch):
    def create(number, caller=client):
        body = {"url": f"https://example.com/{number}", "events": ["order.paid"]}
        return caller.post(PATH, json=body)

    made = await check_quota(settings, monkeypatch, "webhook_endpoints", create)
    assert (await create(0, stranger)).status_code == 201, "another organization has its own"
    assert (await client.delete(f"{PATH}/{made[0]['id']}")).status_code == 204
    assert (await create(0)).status_code == 201
