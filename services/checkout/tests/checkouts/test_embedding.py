"""Who may show a checkout in a frame, and from where a browser may call its routes."""

import pytest
from checkout.checkouts.embedding import is_listed, origin_of
from checkout.checkouts.models import Checkout
from sqlalchemy import update

from services.checkout.tests.support import opened, problems, seller_told


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Shop.example/pricing?a=b#c", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://shop.example:8443/", "https://shop.example:8443"),
        ("https://user:password@shop.example", "https://shop.example"),
        ("https://shop.example;script-src *", None),
        ("https://shop.example' 'unsafe-inline", None),
        ("https://*.example", None),
        ("https://shop.example:99999", None),
        ("https://", None),
        ("ftp://shop.example", None),
        ("https://[::1", None),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, origin):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("origin", "hosts", "expected"),
    [
        ("https://shop.example", ["shop.example"], True),
        ("https://shop.example.evil", ["shop.example"], False),
        ("https://evilshop.example", ["shop.example"], False),
        ("https://a.shop.example", ["*.shop.example"], True),
        ("https://shop.example", ["*.shop.example"], False),
        ("http://localhost:3000", ["localhost"], False),
        ("http://localhost:3000", ["localhost:*"], True),
    ],
)
def test_a_list_has_hosts_and_patterns(origin, hosts, expected):
    assert is_listed(origin, hosts) is expected


async def frame_of(client, secret):
    answer = await client.get(f"/internal/embed-origin/{secret}")
    assert answer.status_code == 204
    return answer.headers["x-embed-origin"]


async def test_the_origin_of_the_checkout_may_frame_it(client, sell, bus, organization_id, database):
    await bus.deliver(seller_told(organization_id))
    product = await sell()
    checkout = await opened(client, product, embed_origin="https://Shop.example/")
    assert await frame_of(client, checkout["client_secret"]) == "https://shop.example"
    assert await frame_of(client, (await opened(client, product))["client_secret"]) == "'none'"
    assert await frame_of(client, "polar_c_unknown") == "'none'"
    async with database.transaction() as session:
        await session.execute(update(Checkout).values(embed_origin="https://shop.example;frame-ancestors *"))
    assert await frame_of(client, checkout["client_secret"]) == "'none'"


async def test_a_seller_may_list_the_hosts(client, sell, bus, organization_id):
    await bus.deliver(seller_told(organization_id, embed_hosts=["shop.example"]))
    product = await sell()
    body = {"products": [str(product.id)], "embed_origin": "https://evil.example"}
    assert problems(await client.post("/v1/checkouts/", json=body)) == [["body", "embed_origin"]]
    checkout = await opened(client, product, embed_origin="https://shop.example")
    path = f"/v1/checkouts/{checkout['id']}"
    refused = await client.patch(path, json={"embed_origin": "https://shop.example:8443"})
    assert problems(refused) == [["body", "embed_origin"]]
    assert (await client.get(path)).json()["embed_origin"] == "https://shop.example"
    assert await frame_of(client, checkout["client_secret"]) == "https://shop.example"
    await bus.deliver(seller_told(organization_id, 2, embed_hosts=["other.example"]))
    assert await frame_of(client, checkout["client_secret"]) == "'none'"
    assert (await client.patch(path, json={"customer_name": "Ada"})).status_code == 200
    assert (await client.patch(path, json={"embed_origin": None})).status_code == 200


@pytest.mark.parametrize(
    ("hosts", "framed"), [([], "'none'"), (["shop.example"], "https://shop.example"), (["x.example"], "'none'")]
)
async def test_whoever_follows_a_link_may_name_a_listed_host_alone(client, sell, bus, organization_id, hosts, framed):
    await bus.deliver(seller_told(organization_id, embed_hosts=hosts))
    link = (await client.post("/v1/checkout-links/", json={"products": [str((await sell()).id)]})).json()
    path = f"/v1/checkout-links/{link['client_secret']}/redirect?embed=true&embed_origin=https://shop.example"
    address, _, query = (await client.get(path)).headers["location"].partition("?")
    assert await frame_of(client, address.rpartition("/")[2]) == framed
    assert query == "embed=true&embed_origin=https%3A%2F%2Fshop.example"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/checkouts/client/polar_c_x", "*"),
        ("/v1/customer-portal/organizations/x", "*"),
        ("/v1/checkouts/", None),
        ("/v1/checkouts/clients", None),
    ],
)
async def test_any_origin_calls_what_buyers_need_and_nothing_else(client, path, allowed):
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "PATCH"}
    preflight = await client.options(path, headers={**asked, "Access-Control-Request-Headers": "polar-version"})
    answer = await client.get(path, headers=asked)
    for one in (preflight, answer):
        assert one.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in one.headers
    assert preflight.is_success is (allowed is not None)
