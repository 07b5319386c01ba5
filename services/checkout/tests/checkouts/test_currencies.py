"""A buyer pays in another currency: everything is computed again in it, and what was shown is what is charged."""

import asyncio
from datetime import timedelta

import pytest
from contracts.checkout import CheckoutSucceededV1
from servicekit import clock, ids

from services.checkout.tests.support import opened, problems

pytestmark = pytest.mark.usefixtures("known_seller")
CARD = {"confirmation_token_id": "pm_card_visa"}
TIERS = {"seat_tier_type": "volume", "minimum_seats": 1, "maximum_seats": None}


def seats(each):
    """The tiers of a price for each seat, in minor units."""
    return {"seat_tiers": {**TIERS, "tiers": [{"min_seats": 1, "max_seats": None, "price_per_seat": each}]}}


KINDS = {
    "fixed": ({"price_amount": 2500}, {"price_amount": 2300}, {}, 2300),
    "seats": (seats(1000), seats(900), {"seats": 4}, 3600),
    "units": (
        {"tiers": {"type": "volume", "tiers": [{"bound": None, "unit_amount": "150"}]}},
        {"tiers": {"type": "volume", "tiers": [{"bound": None, "unit_amount": "120"}]}},
        {"units": 7},
        840,
    ),
    "custom": (
        {"minimum_amount": 500, "preset_amount": 900},
        {"minimum_amount": 400, "preset_amount": 700},
        {"amount": 5000},
        700,
    ),
}
TYPES = {"fixed": "fixed", "seats": "seat_based", "units": "unit_based", "custom": "custom"}


async def in_two(sell, kind="fixed", **fields):
    """A product with a price in dollars and one in euros."""
    dollars, euros, _, _ = KINDS[kind]
    price = {"amount_type": TYPES[kind], "price_amount": None}
    product = await sell(terms={**price, **dollars}, **fields)
    first = product.prices[0].model_dump()
    second = {**first, **euros, "id": ids.uuid7(), "price_currency": "eur"}
    return await sell(2, id=product.id, prices=[first, second], **fields)


def path_of(checkout):
    return f"/v1/checkouts/client/{checkout['client_secret']}"


async def charges(sandbox):
    found = sandbox.get("/v1/payment_intents")["data"]
    return [(intent["amount"], intent["currency"]) for intent in found if intent["status"] == "succeeded"]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_other_price_is_charged(kind, client, anonymous, sell, bus, sandbox):
    _, _, wanted, amount = KINDS[kind]
    checkout = await opened(client, await in_two(sell, kind, interval=None), **wanted)
    for _ in range(2):
        changed = await anonymous.patch(path_of(checkout), json={"currency": "EUR"})
        assert changed.status_code == 200, changed.text
        shown = changed.json()
        assert (shown["currency"], shown["amount"], shown["product_price"]["price_currency"]) == ("eur", amount, "eur")
        # How many are ordered stays; an amount that was chosen in dollars does not become one in euros.
        assert {name: shown[name] for name in wanted if name != "amount"} == {
            name: value for name, value in wanted.items() if name != "amount"
        }
    assert (await anonymous.post(f"{path_of(checkout)}/confirm", json=CARD)).status_code == 200
    assert await charges(sandbox) == [(amount, "eur")]
    (sold,) = await bus.recorded(CheckoutSucceededV1)
    assert (sold.data.currency, sold.data.amount, sold.data.payment.currency) == ("eur", amount, "eur")


async def test_an_amount_that_was_chosen_stays_when_the_currency_is_named_again(client, anonymous, sell):
    checkout = await opened(client, await in_two(sell, "custom"), currency=None)
    await anonymous.patch(path_of(checkout), json={"currency": "eur", "amount": 4400})
    again = await anonymous.patch(path_of(checkout), json={"currency": "eur"})
    assert again.json()["amount"] == 4400


async def test_tax_is_that_of_the_new_amount(client, anonymous, sell):
    checkout = await opened(client, await in_two(sell), customer_billing_address={"country": "DE"})
    taxed = (await anonymous.patch(path_of(checkout), json={"currency": "eur"})).json()
    rate = checkout["tax_amount"] / checkout["amount"]
    assert taxed["tax_amount"] == round(2300 * rate) != checkout["tax_amount"] > 0


async def test_only_currencies_of_every_offered_product_can_be_chosen(client, anonymous, sell):
    both, dollars = await in_two(sell), await sell(amount=9000)
    body = {"products": [str(both.id), str(dollars.id)], "customer_email": "ada@example.com"}
    checkout = (await client.post("/v1/checkouts/", json=body)).json()
    for currency in ("eur", "gbp", "euros", 7):
        assert problems(await anonymous.patch(path_of(checkout), json={"currency": currency})) == [["body", "currency"]]
    assert (await anonymous.patch(path_of(checkout), json={"currency": "usd"})).json()["amount"] == 2500
    euro = str(both.prices[1].id)
    for body in ({"product_price_id": euro}, {"product_price_id": euro, "currency": "usd"}):
        assert problems(await anonymous.patch(path_of(checkout), json=body)) == [["body", "product_price_id"]]


async def test_a_discount_in_one_currency_is_named(client, anonymous, sell, sandbox):
    fixed = {"name": "Five off", "code": "FIVE", "type": "fixed", "amounts": {"usd": 500}, "duration": "once"}
    half = {"name": "Half", "code": "HALF", "type": "percentage", "basis_points": 5000, "duration": "once"}
    for discount in (fixed, half):
        assert (await client.post("/v1/discounts/", json=discount)).status_code == 201
    checkout = await opened(client, await in_two(sell), discount_code="FIVE")
    refused = await anonymous.patch(path_of(checkout), json={"currency": "eur"})
    assert (problems(refused), refused.json()["detail"][0]["msg"]) == (
        [["body", "discount_id"]], "Discount does not apply in this currency",
    )  # fmt: skip
    assert (await anonymous.get(path_of(checkout))).json()["total_amount"] == 2000
    freed = (await anonymous.patch(path_of(checkout), json={"currency": "eur", "discount_code": ""})).json()
    assert (freed["total_amount"], freed["discount"]) == (2300, None)
    assert (await anonymous.patch(path_of(checkout), json={"discount_code": "HALF"})).json()["total_amount"] == 1150
    back = (await anonymous.patch(path_of(checkout), json={"currency": "usd"})).json()
    assert (back["total_amount"], back["discount"]["code"]) == (1250, "HALF")


async def test_what_the_confirmation_names_is_charged_whatever_came_between(client, anonymous, sell, bus, sandbox):
    product = await in_two(sell)
    dollars, euros = ({"currency": price.price_currency, "product_price_id": str(price.id)} for price in product.prices)
    for number, shown in enumerate((dollars, euros)):
        checkout = await opened(client, product, customer_email=f"buyer{number}@example.com")
        other = euros if shown is dollars else dollars
        answers = await asyncio.gather(
            *(anonymous.patch(path_of(checkout), json={"currency": other["currency"]}) for _ in range(3)),
            anonymous.post(f"{path_of(checkout)}/confirm", json={**CARD, **shown}),
            *(anonymous.patch(path_of(checkout), json={"currency": other["currency"]}) for _ in range(3)),
        )
        assert answers[3].status_code == 200, answers[3].text
        assert {answer.status_code for answer in answers} <= {200, 403, 409}
        paid = (await bus.recorded(CheckoutSucceededV1))[-1].data
        assert (paid.currency, paid.payment.currency) == (shown["currency"], shown["currency"])
        # Once it is confirmed it is sold in this currency alone.
        late = await anonymous.post(f"{path_of(checkout)}/confirm", json={**CARD, "currency": other["currency"]})
        assert (late.status_code, late.json()["error"]) == (403, "NotOpenCheckout")
    assert sorted(await charges(sandbox)) == [(2300, "eur"), (2500, "usd")]


async def test_after_a_decline_no_intent_of_the_other_currency_is_used(client, anonymous, sell, sandbox):
    checkout = await opened(client, await in_two(sell))
    declined = await anonymous.post(
        f"{path_of(checkout)}/confirm", json={"confirmation_token_id": "pm_card_chargeDeclined"}
    )
    assert declined.status_code == 400
    assert (await anonymous.patch(path_of(checkout), json={"currency": "eur"})).json()["total_amount"] == 2300
    assert (await anonymous.post(f"{path_of(checkout)}/confirm", json=CARD)).status_code == 200
    assert await charges(sandbox) == [(2300, "eur")]


async def test_a_payment_under_way_stays_in_its_currency(client, anonymous, sell, sandbox):
    """Stripe did not answer: the same payment is asked about again, never one in another currency."""
    checkout = await opened(client, await in_two(sell))
    path = f"{path_of(checkout)}/confirm"
    sandbox.faults(errors=3)
    assert (await anonymous.post(path, json=CARD)).status_code == 503
    assert (await anonymous.patch(path_of(checkout), json={"currency": "eur"})).status_code == 403
    assert (await anonymous.post(path, json={**CARD, "currency": "eur"})).status_code == 403
    clock.move(timedelta(minutes=5))
    assert (await anonymous.post(path, json={**CARD, "currency": "usd"})).status_code == 200
    assert await charges(sandbox) == [(2500, "usd")]


async def test_a_confirmation_keeps_what_was_shown(client, anonymous, sell, bus, sandbox):
    """The same product, price and code named again change nothing: no amount, and no discount that has ended."""
    half = {"name": "Half", "code": "HALF", "type": "percentage", "basis_points": 5000, "duration": "once"}
    made = (await client.post("/v1/discounts/", json=half)).json()
    product = await in_two(sell, "custom")
    checkout = await opened(client, product, amount=6000, discount_code="HALF")
    shown = {
        "product_id": str(product.id), "product_price_id": str(product.prices[0].id), "currency": "usd",
        "amount": 6000, "discount_code": "half",
    }  # fmt: skip
    assert (await client.delete(f"/v1/discounts/{made['id']}")).status_code == 204
    ended = await anonymous.post(f"{path_of(checkout)}/confirm", json={**CARD, **shown})
    assert (ended.status_code, ended.json()["error"]) == (403, "DiscountRedemptionLimitReached")
    assert (await anonymous.patch(path_of(checkout), json={"discount_code": ""})).json()["total_amount"] == 6000
    whole = {**shown, "discount_code": ""}
    assert (await anonymous.post(f"{path_of(checkout)}/confirm", json={**CARD, **whole})).status_code == 200
    assert await charges(sandbox) == [(6000, "usd")]
