"""One resource in both dialects: they differ where the documented API and the SDKs disagree, and nowhere else."""

import pytest

SDK = {"Polar-Version": "2026-10"}


@pytest.fixture(scope="session")
async def resources(shop):
    """A path for each kind of resource; each has what the dialects could disagree on."""
    customer = {
        "email": "dialects@example.com", "tax_id": "US123456789",
        "billing_address": {"country": "US", "state": "CA", "line1": "1 Main St"},
    }  # fmt: skip
    customer = await shop.call("POST", "/v1/customers/", customer)
    percent = {"name": "Both", "type": "percentage", "basis_points": 2000}
    discount = await shop.call("POST", "/v1/discounts/", percent)
    checkout = await shop.checkout(customer_id=customer["id"])
    ids = (await shop.confirm(checkout)).json()
    await shop.settled(ids)
    endpoint = await shop.call(
        "POST", "/v1/webhooks/endpoints", {"url": f"{shop.receiver.url}/other", "events": ["benefit.granted"]}
    )
    return {
        "product": f"/v1/products/{shop.product['id']}",
        "benefit": f"/v1/benefits/{shop.benefit['id']}",
        "customer": f"/v1/customers/{customer['id']}",
        "order": f"/v1/orders/{ids['order_id']}",
        "subscription": f"/v1/subscriptions/{ids['subscription_id']}",
        "discount": f"/v1/discounts/{discount['id']}",
        "checkout": f"/v1/checkouts/{ids['id']}",
        "endpoint": f"/v1/webhooks/endpoints/{endpoint['id']}",
    }


def differences(documented, official, path=""):
    """Where two answers differ, as `path: documented → official`."""
    if isinstance(documented, dict) and isinstance(official, dict):
        found = []
        for name in sorted(documented.keys() | official.keys()):
            found += differences(documented.get(name, "absent"), official.get(name, "absent"), f"{path}.{name}")
        return found
    if isinstance(documented, list) and isinstance(official, list) and len(documented) == len(official):
        pairs = enumerate(zip(documented, official, strict=True))
        return [one for index, (left, right) in pairs for one in differences(left, right, f"{path}[{index}]")]
    return [] if documented == official else [f"{path}: {documented} → {official}"]


STATE = ".billing_address.state: CA → US-CA"
TAX_ID = ".tax_id: US123456789 → ['US123456789', 'us_ein']"
EXPECTED = {
    "product": [],
    "benefit": [],
    "customer": [STATE, TAX_ID],
    "order": [f".customer{STATE}", f".customer{TAX_ID}"],
    "subscription": [f".customer{STATE}", f".customer{TAX_ID}"],
    "discount": [".amount: 2000 → None"],
    "checkout": [".status: completed → succeeded"],
    "endpoint": [".events[0]: benefit.granted → benefit_grant.created"],
}
"""Texts and states of an address, tax numbers, statuses and names of events; and a percentage's amount."""


@pytest.mark.parametrize("kind", EXPECTED)
async def test_the_dialects_differ_only_where_they_must(api, resources, kind):
    documented = (await api.get(resources[kind])).json()
    official = (await api.get(resources[kind], headers=SDK)).json()
    assert differences(documented, official) == EXPECTED[kind]
