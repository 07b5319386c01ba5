"""One tenant makes discounts and links without end."""

import pytest
from servicekit.testing.filling import check_quota


@pytest.mark.parametrize(("name", "path"), [("discounts", "/v1/discounts/"), ("checkout_links", "/v1/checkout-links/")])
async def test_what_a_tenant_may_have_has_a_limit(client, sell, settings, monkeypatch, name, path):
    product = await sell()
    discount = {"name": "Off", "type": "percentage", "duration": "once", "basis_points": 1000}
    body = discount if name == "discounts" else {"products": [str(product.id)]}
    made = await check_quota(settings, monkeypatch, name, lambda _: client.post(path, json=body))
    assert (await client.delete(f"{path}{made[0]['id']}")).status_code == 204
    assert (await client.post(path, json=body)).status_code == 201
