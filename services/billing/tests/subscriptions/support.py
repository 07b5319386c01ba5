"""Prices and requests of the tests of subscriptions."""

SEATS = {
    "amount_type": "seat_based",
    "price_amount": None,
    "seat_tiers": {
        "seat_tier_type": "volume",
        "tiers": [{"min_seats": 1, "max_seats": 10, "price_per_seat": 1000}],
        "minimum_seats": 1,
        "maximum_seats": 10,
    },
}
UNITS = {
    "amount_type": "unit_based",
    "price_amount": None,
    "minimum_units": 2,
    "tiers": {"type": "graduated", "tiers": [{"bound": None, "unit_amount": "12.5"}]},
}


def path(purchase):
    """The path of what was bought."""
    return f"/v1/subscriptions/{purchase.subscription_id}"


async def changed(client, purchase, **body):
    """Changes a subscription. Returns the response."""
    return await client.patch(
        path(purchase), json={name: str(v) if "id" in name and v else v for name, v in body.items()}
    )


async def orders_of(client, reason="subscription_update"):
    """The orders with a reason, the oldest first."""
    items = (await client.get("/v1/orders/", params={"sorting": "created_at"})).json()["items"]
    return [order for order in items if order["billing_reason"] == reason]
