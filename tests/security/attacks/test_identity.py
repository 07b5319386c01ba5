"""Cases 2, 7 and 15, F7 and F8: who typed an e-mail is nobody, and a purchase belongs to who paid it."""

import asyncio

import pytest

from tests.security.attacks.people import DECLINED, VISA, Seller, address


async def test_a_declined_card_does_not_keep_the_next_buyer_s_purchase(seller: Seller) -> None:
    attacker, victim = address("attacker"), address("victim")
    await seller.bought(await seller.product(), attacker)
    known = await seller.customer(attacker)
    page = await seller.page(await seller.product(5000))
    tried = {"customer_email": attacker, "confirmation_token_id": DECLINED}
    assert (await seller.nobody.post(f"{page}/confirm", json=tried)).status_code == 400
    shown = await seller.nobody.patch(page, json={"customer_email": None})
    assert shown.json()["customer_id"] is None
    paid = await seller.nobody.post(f"{page}/confirm", json={"customer_email": victim, "confirmation_token_id": VISA})
    assert paid.status_code == 200, paid.text
    (order,) = await seller.until("orders", checkout_id=paid.json()["id"])
    assert order["customer"]["email"] == victim
    assert [one["amount"] for one in await seller.items("payments", customer_id=known["id"])] == []


@pytest.mark.parametrize(
    ("victim", "attacker"), [("strasse.example.com", "straße.example.com"), ("fish.example.com", "ﬁsh.example.com")]
)
async def test_two_mailboxes_that_fold_alike_are_two_customers(seller: Seller, victim: str, attacker: str) -> None:
    product, name = await seller.product(5000), address("ada").partition("@")[0]
    bought = await asyncio.gather(
        *(seller.bought(product, f"{name}@{domain}") for domain in (attacker, victim, attacker, victim))
    )
    orders = [(await seller.until("orders", checkout_id=one["id"]))[0] for one in bought]
    assert len({order["customer_id"] for order in orders}) == 2
    assert orders[0]["customer_id"] == orders[2]["customer_id"]
    assert orders[1]["customer"]["email"].lower() == f"{name}@{victim}".lower()


@pytest.mark.parametrize("letter", ["\N{KELVIN SIGN}", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "\u2126"])
async def test_no_letter_is_compared_as_another_one(seller: Seller, letter: str) -> None:
    """The database compares lower case: `İnfo@` would be the customer `info@`, and get the codes of both."""
    page = await seller.page(await seller.product())
    for broken in (f"{letter}{address()}", f"{address()}.{letter}.com"):
        answers = [
            await seller.api.post("/v1/customers/", json={"email": broken}),
            await seller.nobody.patch(page, json={"customer_email": broken}),
            await seller.nobody.post(f"{page}/confirm", json={"customer_email": broken}),
        ]
        assert [answer.status_code for answer in answers] == [422] * 3, [answer.text for answer in answers]


async def test_a_stranger_s_purchase_fills_nothing_of_the_customer(seller: Seller) -> None:
    victim = address("victim")
    customer = await seller.call("POST", "/v1/customers/", {"email": victim})
    bought = await seller.bought(
        await seller.product(1000, recurring_interval="month"), victim, VISA, customer_name="Evil Corp",
        customer_billing_name="Evil Corp", customer_billing_address={"country": "DE"},
    )  # fmt: skip
    (order,) = await seller.until("orders", checkout_id=bought["id"])
    assert (order["customer_id"], order["billing_name"]) == (customer["id"], "Evil Corp")
    now = await seller.call("GET", f"/v1/customers/{customer['id']}")
    unchanged = ("name", "billing_name", "billing_address", "tax_id", "default_payment_method_id")
    assert {name: now[name] for name in unchanged} == dict.fromkeys(unchanged)


async def test_a_customer_named_by_the_seller_cannot_be_exchanged(seller: Seller) -> None:
    customer = await seller.call("POST", "/v1/customers/", {"email": address("named")})
    product = await seller.product(1000)
    body = {"products": [product["id"]], "customer_id": customer["id"]}
    checkout = await seller.call("POST", "/v1/checkouts/", body)
    page = f"/v1/checkouts/client/{checkout['client_secret']}"
    answer = await seller.nobody.patch(page, json={"customer_email": address("attacker")})
    assert answer.status_code == 422, answer.text


async def test_a_customer_who_was_deleted_meanwhile_is_not_charged(seller: Seller) -> None:
    customer = await seller.call("POST", "/v1/customers/", {"email": address("gone")})
    product = await seller.product(1000)
    checkout = await seller.call("POST", "/v1/checkouts/", {"products": [product["id"]], "customer_id": customer["id"]})
    await seller.call("DELETE", f"/v1/customers/{customer['id']}")
    page = f"/v1/checkouts/client/{checkout['client_secret']}"
    await _known_to_checkout(seller, customer["id"], product["id"])
    answer = await seller.nobody.post(f"{page}/confirm", json={"confirmation_token_id": VISA})
    assert 400 <= answer.status_code < 500, answer.text
    assert await seller.items("payments", checkout_id=checkout["id"]) == []


async def _known_to_checkout(seller: Seller, customer_id: str, product_id: str) -> None:
    """Waits until checkout has heard that a customer is gone: no new checkout takes them."""
    for _ in range(200):
        body = {"products": [product_id], "customer_id": customer_id}
        if (await seller.api.post("/v1/checkouts/", json=body)).status_code == 422:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("checkout never heard of the deletion")


async def test_an_external_id_is_one_customer_s(seller: Seller) -> None:
    """F8: a second address is refused while the first purchase is new, then the purchase is the id's holder's."""
    product, external = await seller.product(1000), address("external")
    for email in (address("work"), address("home"), address("home")):
        body = {"products": [product["id"]], "external_customer_id": external, "customer_email": email}
        checkout = await seller.call("POST", "/v1/checkouts/", body)
        page = f"/v1/checkouts/client/{checkout['client_secret']}"
        answer = await seller.nobody.post(f"{page}/confirm", json={"confirmation_token_id": VISA})
        if answer.status_code == 200:
            (order,) = await seller.until("orders", checkout_id=checkout["id"])
            assert order["customer"]["external_id"] == external
        else:
            assert answer.status_code == 422, answer.text
            assert ["body", "external_customer_id"] in [problem["loc"] for problem in answer.json()["detail"]]
    assert await seller.items("orders", external_customer_id=external) != []
