"""What a change may cost: no more than can be charged at once."""

UNITS = {
    "amount_type": "unit_based",
    "price_amount": None,
    "minimum_units": 1,
    "tiers": {"type": "volume", "tiers": [{"bound": None, "unit_amount": "125"}]},
}


async def test_more_than_a_card_can_be_charged_at_once_is_refused(client, bought, purchased):
    template = purchased(amount=1000).data
    terms = {**template.price.model_dump(), **UNITS}
    purchase = await bought(1000, price=terms, product={**template.product.model_dump(), "prices": [terms]}, units=8)
    path = f"/v1/subscriptions/{purchase.subscription_id}"
    refused = await client.patch(path, json={"units": 1_000_000, "proration_behavior": "prorate"})
    (problem,) = refused.json()["detail"]
    assert (refused.status_code, problem["loc"]) == (422, ["body", "units"])
    assert "999,999.99 USD" in problem["msg"]
    assert (await client.get(path)).json()["units"] == 8
