"""Case 1: nobody's saved card is charged for what a stranger typed."""

from typing import Any

from servicekit.testing import eventually

from tests.security.attacks.people import PATIENCE, VISA, Seller, address

MASTERCARD = "pm_card_mastercard"


async def free_at_first(seller: Seller) -> tuple[object, str]:
    """A subscription of $999.00, and a code that makes its first month free."""
    product = await seller.product(99900, recurring_interval="month")
    code = f"FREE{address()[6:14]}"
    terms = {"name": "First month", "code": code, "type": "percentage", "basis_points": 10_000, "duration": "once"}
    await seller.call("POST", "/v1/discounts/", terms)
    return product, code


async def test_a_free_first_month_needs_a_card_of_its_own(seller: Seller) -> None:
    product, code = await free_at_first(seller)
    victim = address("victim")
    await seller.bought(await seller.product(1000, recurring_interval="month"), victim)
    page = await seller.page(product)
    shown = await seller.nobody.patch(page, json={"discount_code": code, "customer_email": victim})
    assert (shown.json()["total_amount"], shown.json()["is_payment_setup_required"]) == (0, True)
    answer = await seller.nobody.post(f"{page}/confirm", json={"customer_email": victim})
    assert answer.status_code == 422, answer.text
    assert ["body", "confirmation_token_id"] in [problem["loc"] for problem in answer.json()["detail"]]


async def test_a_stranger_s_subscription_is_charged_to_the_stranger_s_card(seller: Seller) -> None:
    product, code = await free_at_first(seller)
    victim = address("victim")
    own = await seller.bought(await seller.product(1000, recurring_interval="month"), victim, VISA)
    (kept,) = await seller.until(f"customers/{own['customer_id']}/payment-methods")
    customer = await seller.customer(victim)
    page = await seller.page(product)
    body = {"customer_email": victim, "confirmation_token_id": MASTERCARD, "discount_code": code}

    async def confirmed() -> Any:
        # Checkout may not have heard yet that the seller allows several subscriptions.
        answer = await seller.nobody.post(f"{page}/confirm", json=body)
        return answer.json() if answer.status_code == 200 else None

    bought = await eventually(confirmed, seconds=PATIENCE, what="the stranger's purchase")
    (subscription,) = await seller.until("subscriptions", product_id=product["id"])
    assert subscription["customer_id"] == own["customer_id"] == bought["customer_id"]
    cards = await seller.items(f"customers/{own['customer_id']}/payment-methods")
    (strange,) = [card for card in cards if card["id"] != kept["id"]]
    assert strange["method_metadata"]["brand"] == "mastercard"
    now = await seller.call("GET", f"/v1/customers/{own['customer_id']}")
    assert now["default_payment_method_id"] == customer["default_payment_method_id"] == kept["id"]
