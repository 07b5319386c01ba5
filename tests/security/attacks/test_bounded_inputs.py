"""Cases 4, 9 and 19: what is refused costs little, whoever sends it."""

import asyncio
import json

import httpx
import pytest

from tests.security.attacks.people import Seller

WIDE = {str(number): [] for number in range(75_000)}
LARGEST_REFUSAL = 64 * 1024


def refused_shortly(answer: httpx.Response) -> None:
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert len(answer.content) < LARGEST_REFUSAL


async def test_wide_objects_of_a_stranger(seller: Seller) -> None:
    page = await seller.page(await seller.product())
    body = {"key": "x", "organization_id": seller.organization_id, "label": "l", "meta": WIDE}
    refused_shortly(await seller.nobody.post("/v1/customer-portal/license-keys/activate", json=body))
    refused_shortly(await seller.nobody.patch(page, json={"custom_field_data": WIDE}))


@pytest.mark.parametrize("field", ["metadata", "customer_metadata", "custom_field_data"])
async def test_wide_objects_of_a_token(seller: Seller, field: str) -> None:
    product = await seller.product()
    refused_shortly(await seller.api.post("/v1/checkouts/", json={"products": [product["id"]], field: WIDE}))


async def test_wide_usage_events(seller: Seller) -> None:
    event = {"name": "used", "external_customer_id": "x", "metadata": WIDE}
    body = json.dumps({"events": [event] * 8}).encode()
    headers = {"Content-Type": "application/json"}
    refused_shortly(await seller.api.post("/v1/events/ingest", content=body, headers=headers))


@pytest.mark.parametrize("resource", ["orders", "customers", "products", "subscriptions", "checkouts", "discounts"])
async def test_filters_of_metadata_are_few(seller: Seller, resource: str) -> None:
    keys = {f"metadata[k{number}]": "v" for number in range(300)}
    values = httpx.QueryParams([("metadata[k]", str(number)) for number in range(300)])
    for query in (keys, values):
        answer = await seller.api.get(f"/v1/{resource}/", params=query)
        assert answer.status_code == 422, answer.text[:300]
        refused_shortly(answer)
    answer = await seller.api.request("GET", f"/v1/{resource}/", json={"metadata": {f"k{n}": "v" for n in range(300)}})
    assert answer.status_code == 422, answer.text[:300]


async def test_an_upload_without_a_signature_is_refused_before_it_has_come(seller: Seller) -> None:
    """The gateway keeps nothing of it: not a part of sixteen megabytes, which its sender takes a minute for."""
    url = httpx.URL(str(seller.api.base_url))
    reader, writer = await asyncio.open_connection(url.host, url.port)
    path = "/v1/files/01930000-0000-7000-8000-000000000000/parts/1?expires=4102444800&signature=AAAA"
    writer.write(f"PUT {path} HTTP/1.1\r\nHost: shop\r\nContent-Length: 16777216\r\n\r\n".encode() + b"x" * 65536)
    status = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    assert status.split()[1] == b"403", status


async def test_an_upload_without_a_signature_is_refused(seller: Seller) -> None:
    path = "/v1/files/01930000-0000-7000-8000-000000000000/parts/1"
    body = b"x" * (1024 * 1024)
    for query in ("", "?expires=4102444800&signature=AAAA"):
        answer = await seller.nobody.put(f"{path}{query}", content=body)
        assert answer.status_code in {401, 403, 404, 422}, answer.text
