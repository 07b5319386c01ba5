"""`/v1/checkout-links/`: an address that opens a checkout of its own for whoever follows it."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from services.checkout.tests.support import problems

pytestmark = pytest.mark.usefixtures("known_seller")

LINKS = "/v1/checkout-links/"


async def made(client, *products, **fields):
    answer = await client.post(LINKS, json={"products": [str(one.id) for one in products], **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def followed(anonymous, link, **query):
    """The checkout that following opens, as its buyer sees it, and the query that was handed on."""
    path = urlsplit(link["url"]).path
    answer = await anonymous.get(path, params=query, follow_redirects=False)
    assert answer.status_code == 307, answer.text
    target = urlsplit(answer.headers["location"])
    secret = target.path.rpartition("/")[2]
    opened = await anonymous.get(f"/v1/checkouts/client/{secret}")
    return opened.json(), dict(parse_qsl(target.query))


async def test_create_get_list_change_delete(client, stranger, sell):
    first, second = await sell(), await sell(name="Team Plan")
    link = await made(client, first, second, label="Launch", metadata={"campaign": "q4"})
    assert [product["id"] for product in link["products"]] == [str(first.id), str(second.id)]
    assert link["client_secret"].startswith("polar_cl_")
    path = LINKS + link["id"]
    assert (await client.get(path)).json() == link
    listed = (await client.get(LINKS, params={"product_id": str(second.id)})).json()
    assert [item["id"] for item in listed["items"]] == [link["id"]]
    changed = await client.patch(
        path, json={"products": [str(second.id)], "label": None, "allow_discount_codes": False}
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["label"], len(changed.json()["products"])) == (None, 1)
    assert changed.json()["metadata"] == {"campaign": "q4"}
    assert (await client.get(LINKS, params={"product_id": str(first.id)})).json()["items"] == []
    for method in ("GET", "PATCH", "DELETE"):
        assert (await stranger.request(method, path, json={})).status_code == 404
    assert (await stranger.get(LINKS)).json()["items"] == []
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await client.get(urlsplit(link["url"]).path)).status_code == 404


async def test_what_cannot_be_linked_to_is_named(client, stranger, sell):
    archived, foreign = await sell(is_archived=True), await sell()
    for body, loc in (
        ({}, ["body"]),
        ({"products": []}, ["body", "products"]),
        ({"products": [str(archived.id)]}, ["body", "products", 0]),
        ({"products": [str(foreign.id), "01890000-0000-7000-8000-000000000000"]}, ["body", "products", 1]),
        ({"product_id": str(foreign.id), "discount_id": str(foreign.id)}, ["body", "discount_id"]),
        ({"product_id": str(foreign.id), "success_url": "javascript:alert(1)"}, ["body", "success_url"]),
    ):
        refused = await client.post(LINKS, json=body)
        assert refused.status_code == 422, body
        assert refused.json()["detail"][0]["loc"] == loc
    theirs = await stranger.post(LINKS, json={"products": [str(foreign.id)]})
    assert theirs.status_code == 422


async def test_following_opens_a_checkout_each_time_filled_in_from_the_query(client, anonymous, sell):
    pro, team = await sell(), await sell(name="Team Plan", amount=49900)
    link = await made(client, pro, team, success_url="https://shop.example/done", metadata={"campaign": "q4"})
    query = {
        "product_id": str(team.id), "customer_email": "ada@example.com", "customer_name": "Ada",
        "utm_source": "mail", "reference_id": "r-7", "theme": "dark",
    }  # fmt: skip
    checkout, handed_on = await followed(anonymous, link, **query)
    assert (checkout["product"]["name"], checkout["amount"]) == ("Team Plan", 49900)
    assert [product["name"] for product in checkout["products"]] == ["Team Plan", "Pro Plan"]
    assert (checkout["customer_email"], checkout["customer_name"]) == ("ada@example.com", "Ada")
    assert handed_on == {"theme": "dark"}
    mine = (await client.get(f"/v1/checkouts/{checkout['id']}")).json()
    assert mine["metadata"] == {"campaign": "q4", "utm_source": "mail", "reference_id": "r-7"}
    again, _ = await followed(anonymous, link)
    assert (again["id"] != checkout["id"], again["product"]["name"]) == (True, "Pro Plan")
    chosen = await anonymous.patch(f"/v1/checkouts/client/{again['client_secret']}", json={"product_id": str(team.id)})
    assert (chosen.json()["product"]["name"], chosen.json()["amount"]) == ("Team Plan", 49900)
    assert len(chosen.json()["products"]) == 2


async def test_an_amount_is_filled_in(client, anonymous, sell):
    terms = {"amount_type": "custom", "price_amount": None, "minimum_amount": 500}
    checkout, _ = await followed(anonymous, await made(client, await sell(terms=terms)), amount="1234")
    assert checkout["amount"] == 1234


async def test_a_wrong_prefill_never_stops_a_buyer(client, anonymous, sell):
    link = await made(client, await sell())
    query = {"customer_email": "no mail", "discount_code": "NOSUCH", "product_id": "x", "amount": "many"}
    checkout, _ = await followed(anonymous, link, **query, customer_name="Ada")
    assert (checkout["customer_email"], checkout["customer_name"]) == (None, "Ada")
    assert (checkout["amount"], checkout["discount_id"]) == (9900, None)


async def test_a_preset_discount_and_one_that_is_over(client, anonymous, sell):
    product = await sell()
    percent = {"name": "Launch", "code": "LAUNCH20", "type": "percentage", "basis_points": 2000}
    discount = (await client.post("/v1/discounts/", json=percent)).json()
    link = await made(client, product, discount_id=discount["id"])
    assert link["discount"]["code"] == "LAUNCH20"
    checkout, _ = await followed(anonymous, link)
    assert (checkout["discount_amount"], checkout["total_amount"]) == (1980, 7920)
    await client.delete(f"/v1/discounts/{discount['id']}")
    later, _ = await followed(anonymous, link)
    assert (later["discount_id"], later["total_amount"]) == (None, 9900)


async def test_a_link_to_nothing_on_sale_says_so(client, anonymous, sell):
    product = await sell()
    link = await made(client, product)
    await sell(sequence=2, id=product.id, is_archived=True)
    answer = await anonymous.get(urlsplit(link["url"]).path, follow_redirects=False)
    assert answer.status_code == 422
    assert (await anonymous.get(f"{LINKS}polar_cl_nosuch/redirect")).status_code == 404


async def test_a_link_has_a_trial_of_its_own(client, anonymous, sell):
    """It stands in the place of the product's, until it is taken away."""
    product = await sell(trial_interval="day", trial_interval_count=14)
    link = await made(client, product, trial_interval="month", trial_interval_count=2)
    assert (link["trial_interval"], link["trial_interval_count"]) == ("month", 2)

    async def trial():
        checkout, _ = await followed(anonymous, link)
        return checkout["active_trial_interval"], checkout["active_trial_interval_count"]

    assert await trial() == ("month", 2)
    path = LINKS + link["id"]
    changed = (await client.patch(path, json={"trial_interval": "week"})).json()
    assert (changed["trial_interval"], changed["trial_interval_count"]) == ("week", 2)
    assert await trial() == ("week", 2)
    changed = (await client.patch(path, json={"trial_interval": None})).json()
    assert (changed["trial_interval"], changed["trial_interval_count"]) == (None, None)
    assert await trial() == ("day", 14), "the product's again"
    for refused in (
        await client.patch(path, json={"trial_interval_count": 3}),
        await client.patch(path, json={"trial_interval": "decade"}),
        await client.post(LINKS, json={"products": [str(product.id)], "trial_interval_count": 3}),
    ):
        assert refused.status_code == 422, refused.text


def by_seats(least, most, amount=1000):
    tiers = [{"min_seats": least, "max_seats": most, "price_per_seat": amount}]
    seats = {"seat_tier_type": "volume", "tiers": tiers, "minimum_seats": least, "maximum_seats": most}
    return {"amount_type": "seat_based", "price_amount": None, "seat_tiers": seats}


async def test_seats_are_fixed_by_the_link(client, anonymous, sell):
    team, fixed = await sell(terms=by_seats(1, 10)), await sell()
    link = await made(client, team, seats=4)
    assert (link["seats"], link["units"]) == (4, None)
    checkout, _ = await followed(anonymous, link)
    assert (checkout["seats"], checkout["amount"]) == (4, 4000)
    buyer = f"/v1/checkouts/client/{checkout['client_secret']}"
    for seats in (3, 5):
        assert problems(await anonymous.patch(buyer, json={"seats": seats})) == [["body", "seats"]]
    for products, fields, loc in (
        ([team], {"seats": 11}, "seats"), ([team, fixed], {"seats": 4}, "seats"), ([team], {"units": 4}, "units"),
    ):  # fmt: skip
        body = {"products": [str(one.id) for one in products], **fields}
        assert problems(await client.post(LINKS, json=body)) == [["body", loc]]
    path = LINKS + link["id"]
    assert problems(await client.patch(path, json={"seats": 11})) == [["body", "seats"]]
    assert (await client.patch(path, json={"seats": 6})).json()["seats"] == 6
    await sell(2, id=team.id, price_id=team.prices[0].id, terms=by_seats(1, 5))
    assert (await followed(anonymous, link))[0]["seats"] == 1, "left out where the product does not take it any more"
    assert (await client.patch(path, json={"products": [str(fixed.id)]})).json()["seats"] is None
    assert (await client.patch(path, json={"products": [str(team.id)], "seats": 2})).json()["seats"] == 2
    assert (await client.patch(path, json={"seats": None})).json()["seats"] is None


async def test_units_are_fixed_by_the_link(client, anonymous, sell):
    units = {"type": "graduated", "tiers": [{"bound": None, "unit_amount": "12.5"}]}
    product = await sell(terms={"amount_type": "unit_based", "price_amount": None, "minimum_units": 3, "tiers": units})
    checkout, _ = await followed(anonymous, await made(client, product, units=12))
    assert (checkout["units"], checkout["amount"]) == (12, 150)
    body = {"products": [str(product.id)], "units": 2}
    assert problems(await client.post(LINKS, json=body)) == [["body", "units"]]
