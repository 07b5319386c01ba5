"""`/v1/products/`: what a merchant does with products, and what is said of it."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from contracts.catalog import ProductCreatedV1, ProductUpdatedV1
from servicekit import ids
from servicekit.testing.harness import Bus

PRO = {
    "name": "Enterprise Plan",
    "description": "Full access",
    "recurring_interval": "month",
    "prices": [{"type": "recurring", "amount_type": "fixed", "price_amount": 9900, "price_currency": "usd"}],
}


async def created(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/v1/products/", json={**PRO, **changes})
    assert answer.status_code == 201, answer.text
    product: dict[str, Any] = answer.json()
    return product


async def test_a_product_is_created_and_told_of(client: httpx.AsyncClient, bus: Bus) -> None:
    product = await created(client, is_recurring=True, medias=["media-file-id-1"], metadata={"tier": 3})
    assert product["is_recurring"] is True
    assert product["recurring_interval_count"] == 1
    assert product["stripe_product_id"] is None
    (price,) = product["prices"]
    assert (price["price_amount"], price["price_currency"], price["type"]) == (9900, "usd", "recurring")
    assert (await client.get(f"/v1/products/{product['id']}")).json() == product
    (event,) = await bus.recorded(ProductCreatedV1)
    assert (str(event.subject), event.data.prices[0].price_amount) == (product["id"], 9900)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "ab"}, "name"),
        ({"name": None}, "name"),
        ({"prices": []}, "prices"),
        ({"prices": [{"amount_type": "fixed", "price_amount": 49}]}, "prices"),
        ({"prices": [{"amount_type": "fixed", "price_amount": -1}]}, "prices"),
        ({"prices": [{"amount_type": "fixed", "price_amount": 10**12}]}, "prices"),
        ({"prices": [{"amount_type": "fixed", "price_amount": 1.5}]}, "prices"),
        ({"prices": [{"amount_type": "metered_unit", "price_amount": 100}]}, "prices"),
        ({"prices": [{"amount_type": "fixed", "price_amount": 100, "price_currency": "dollars"}]}, "prices"),
        ({"prices": [PRO["prices"][0], PRO["prices"][0]]}, "prices"),
        ({"prices": [{"amount_type": "custom", "minimum_amount": 49}]}, "minimum_amount"),
        ({"prices": [{"amount_type": "custom", "minimum_amount": 900, "maximum_amount": 800}]}, "prices"),
        ({"prices": [{"amount_type": "custom", "minimum_amount": 500, "preset_amount": 400}]}, "prices"),
        ({"prices": [{"amount_type": "custom", "maximum_amount": 500, "preset_amount": 600}]}, "prices"),
        ({"prices": [PRO["prices"][0], {"amount_type": "custom", "price_currency": "eur"}]}, "prices"),
        ({"recurring_interval": "fortnight"}, "recurring_interval"),
        ({"is_recurring": False}, "is_recurring"),
        ({"metadata": {"k": float("1e999")}}, "metadata"),
        ({"metadata": {"k" * 41: "x"}}, "metadata"),
        ({"metadata": {str(number): 1 for number in range(51)}}, "metadata"),
        ({"organization_id": str(ids.uuid7())}, "organization_id"),
        ({"medias": [str(ids.uuid7())]}, "medias"),
    ],
)
async def test_wrong_products_are_refused_by_the_name_of_the_field(
    client: httpx.AsyncClient, bus: Bus, changes: dict[str, Any], field: str
) -> None:
    body = {**PRO, **changes}
    content = __import__("json").dumps(body).encode()
    answer = await client.post("/v1/products/", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    problems = answer.json()["detail"]
    assert any(field in map(str, problem["loc"]) or field in problem["msg"] for problem in problems), problems
    assert await bus.all() == []


async def test_free_and_several_currencies(client: httpx.AsyncClient) -> None:
    free = await created(client, prices=[{"amount_type": "free"}])
    assert free["prices"][0]["price_amount"] == 0
    prices = [{"price_amount": 1000, "price_currency": "USD"}, {"price_amount": 900, "price_currency": "eur"}]
    both = await created(client, prices=prices)
    assert [price["price_currency"] for price in both["prices"]] == ["usd", "eur"]


async def test_a_price_agrees_with_its_product(client: httpx.AsyncClient) -> None:
    once = {"price_amount": 1000, "type": "one_time"}
    product = await created(client, recurring_interval=None, prices=[once])
    path = f"/v1/products/{product['id']}"
    again = {"name": "Again", "recurring_interval": "month", "prices": [once]}
    for answer in (
        await client.post("/v1/products/", json=again),
        await client.patch(path, json={"prices": [{**once, "type": "recurring"}]}),
    ):
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "prices", 0, "type"])
    free = await client.patch(path, json={"prices": [{"amount_type": "free", "price_amount": 900}]})
    assert free.status_code == 422, "a price that is not kept is refused"


async def test_a_custom_price_lets_the_buyer_choose(client: httpx.AsyncClient, bus: Bus) -> None:
    product = await created(client, prices=[{"amount_type": "custom", "maximum_amount": 9000, "preset_amount": 2500}])
    (price,) = product["prices"]
    assert (price["amount_type"], price["price_amount"]) == ("custom", None)
    assert (price["minimum_amount"], price["maximum_amount"], price["preset_amount"]) == (50, 9000, 2500)
    assert (await client.get(f"/v1/products/{product['id']}")).json()["prices"] == product["prices"]
    path = f"/v1/products/{product['id']}"
    changed = await client.patch(path, json={"prices": [{"amount_type": "custom", "minimum_amount": 0}]})
    assert changed.json()["prices"][0]["minimum_amount"] == 0
    mixed = await client.patch(
        path, json={"prices": [{"id": changed.json()["prices"][0]["id"]}, {"price_amount": 100}]}
    )
    assert mixed.status_code == 422


async def test_products_are_sorted_by_kind_and_amount_of_their_price(client: httpx.AsyncClient) -> None:
    for name, price in (
        ("fixed 500", {"price_amount": 500}),
        ("custom 700", {"amount_type": "custom", "preset_amount": 700}),
        ("free", {"amount_type": "free"}),
    ):
        await created(client, name=name, prices=[price])

    async def names(sorting: str) -> list[str]:
        return [item["name"] for item in (await client.get(f"/v1/products/?sorting={sorting}")).json()["items"]]

    assert await names("price_amount") == ["free", "fixed 500", "custom 700"]
    assert await names("-price_amount") == ["custom 700", "fixed 500", "free"]
    assert (await names("price_amount_type"))[0] == "custom 700"


async def test_a_price_edit_archives_the_old_price(client: httpx.AsyncClient, bus: Bus) -> None:
    product = await created(client)
    path, old = f"/v1/products/{product['id']}", product["prices"][0]["id"]
    kept = (await client.patch(path, json={"prices": [{"id": old}]})).json()
    assert [price["id"] for price in kept["prices"]] == [old]
    changed = (await client.patch(path, json={"prices": [{"price_amount": 12000}]})).json()
    assert [price["price_amount"] for price in changed["prices"]] == [12000]
    event = (await bus.recorded(ProductUpdatedV1))[-1]
    assert [str(price.id) for price in event.data.archived_prices] == [old]
    again = await client.patch(path, json={"prices": [{"id": old}]})
    assert (again.status_code, again.json()["detail"][0]["loc"]) == (422, ["body", "prices", 0, "id"])


async def test_the_interval_cannot_be_changed_and_archiving_can(client: httpx.AsyncClient) -> None:
    product = await created(client)
    path = f"/v1/products/{product['id']}"
    refused = await client.patch(path, json={"recurring_interval": "year"})
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "recurring_interval"])
    archived = (await client.patch(path, json={"is_archived": True, "recurring_interval": "month"})).json()
    assert archived["is_archived"] is True
    assert (await client.get("/v1/products/?is_archived=false")).json()["items"] == []


async def test_lists_filter_sort_and_page(client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    for number in range(5):
        await created(
            client,
            name=f"Product {number}",
            recurring_interval="month" if number % 2 else None,
            prices=[{"price_amount": 1000 - number}],
            metadata={"campaign": "winter" if number == 3 else "summer"},
        )

    async def names(query: str) -> list[str]:
        return [item["name"] for item in (await client.get(f"/v1/products/?{query}")).json()["items"]]

    assert await names("sorting=name&limit=2&page=2") == ["Product 2", "Product 3"]
    assert await names("sorting=price_amount&limit=2") == ["Product 4", "Product 3"]
    assert sorted(await names("is_recurring=true")) == ["Product 1", "Product 3"]
    assert await names("metadata[campaign]=winter") == ["Product 3"]
    assert await names("query=duct%204") == ["Product 4"]
    assert await names("query=%25") == []
    assert await names(f"organization_id={ids.uuid7()}") == []
    assert (await stranger.get("/v1/products/")).json()["pagination"]["total_count"] == 0


async def test_benefits_are_replaced_in_order(
    client: httpx.AsyncClient, bus: Bus, benefit_event: Callable[..., Any]
) -> None:
    product = await created(client)
    path = f"/v1/products/{product['id']}/benefits"
    first, second = benefit_event(description="First"), benefit_event(description="Second")
    await bus.deliver(first, second)
    body = {"benefits": [str(second.subject), str(first.subject)]}
    answer = (await client.post(path, json=body)).json()
    assert [benefit["description"] for benefit in answer["benefits"]] == ["Second", "First"]
    listed = (await client.get(f"/v1/products/?benefit_id={first.subject}")).json()
    assert listed["pagination"]["total_count"] == 1

    await bus.deliver(benefit_event(first.subject, 2, description="Renamed"))
    await bus.deliver(benefit_event(second.subject, 2, is_deleted=True))
    event = (await bus.recorded(ProductUpdatedV1))[-1]
    assert [benefit.description for benefit in event.data.benefits] == ["Renamed"]
    gone = await client.post(path, json=body)
    assert (gone.status_code, gone.json()["detail"][0]["loc"]) == (422, ["body", "benefits", 0])


async def test_a_benefit_that_is_on_its_way_is_waited_for(
    client: httpx.AsyncClient, bus: Bus, benefit_event: Callable[..., Any]
) -> None:
    product = await created(client)
    event = benefit_event()
    request = client.post(f"/v1/products/{product['id']}/benefits", json={"benefits": [str(event.subject)]})
    answer, _ = await asyncio.gather(request, bus.deliver(event))
    assert answer.status_code == 200


async def test_another_organization_s_benefit_does_not_exist(
    client: httpx.AsyncClient, bus: Bus, benefit_event: Callable[..., Any]
) -> None:
    product = await created(client)
    foreign = benefit_event(organization_id=ids.uuid7())
    await bus.deliver(foreign)
    answer = await client.post(f"/v1/products/{product['id']}/benefits", json={"benefits": [str(foreign.subject)]})
    assert answer.status_code == 422


async def test_the_stranger_can_do_nothing(client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    path = f"/v1/products/{(await created(client))['id']}"
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.patch(path, json={"name": "Stolen"})).status_code == 404
    assert (await stranger.post(f"{path}/benefits", json={"benefits": []})).status_code == 404


async def test_parallel_changes_are_all_kept_and_numbered(client: httpx.AsyncClient, bus: Bus) -> None:
    path = f"/v1/products/{(await created(client))['id']}"
    changes = [{"name": f"Name {number}"} for number in range(5)] + [
        {"description": f"D{number}"} for number in range(5)
    ]
    answers = await asyncio.gather(*(client.patch(path, json=change) for change in changes))
    assert {answer.status_code for answer in answers} == {200}
    assert [event.sequence for event in await bus.all()] == list(range(1, 12))
