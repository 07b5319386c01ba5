"""Changing who an invoice is made out to."""

from contracts.billing import OrderUpdatedV1


async def test_the_invoice_is_made_out_to_another_name(client, stranger, bus, purchased):
    event = purchased()
    await bus.deliver(event)
    path = f"/v1/orders/{event.data.order_id}"
    address = {"country": "US", "state": "NY", "city": "New York"}
    changed = await client.patch(path, json={"billing_name": "Ada Ltd", "billing_address": address})
    assert changed.status_code == 200, changed.text
    assert changed.json()["billing_name"] == "Ada Ltd"
    assert changed.json()["billing_address"]["state"] == "US-NY"
    assert (await bus.recorded(OrderUpdatedV1))[-1].data.billing_name == "Ada Ltd"
    assert (await stranger.patch(path, json={"billing_name": "Eve"})).status_code == 404


async def test_the_country_of_its_tax_stays_and_nothing_is_taken_away(client, bus, purchased):
    event = purchased()
    await bus.deliver(event)
    path = f"/v1/orders/{event.data.order_id}"
    for body, loc in (
        ({"billing_address": {"country": "DE"}}, ["body", "billing_address", "country"]),
        ({"billing_name": None}, ["body", "billing_name"]),
        ({"billing_address": {"country": "US", "state": "ZZ"}}, None),
    ):
        refused = await client.patch(path, json=body)
        assert refused.status_code == 422
        assert loc is None or refused.json()["detail"][0]["loc"] == loc
    assert (await client.get(path)).json()["billing_name"] == "Ada"
