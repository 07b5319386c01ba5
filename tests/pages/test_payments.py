"""What may happen between pressing the button and the order: each way is said in words, and none charges twice."""

import re

import pytest
from playwright.async_api import expect

from tests.pages.support import (
    VISA,
    Shop,
    Visitor,
    consent,
    ensure_accessible,
    fill,
    fill_card,
    paid,
    path_of,
    pay,
    pay_button,
)

FIXED = {"amount_type": "fixed", "price_amount": 2900}
BANK_ASKS = "4000002760003184"


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("4000000000009995", "Your card does not have enough funds."),
        ("4000000000009987", "Your card was declined."),
        ("4000000000000069", "Your card has expired."),
        ("4000000000000127", "The security code is wrong."),
    ],
)
async def test_a_decline_is_explained_and_another_card_pays(
    number: str, says: str, shop: Shop, visitor: Visitor
) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(path_of(checkout))
    await fill(page, card=number)
    await pay(page)
    await expect(page.get_by_role("alert").filter(has_text=says)).to_be_visible()
    assert (await shop.status(checkout))["status"] == "open"
    await fill_card(page, VISA)
    await pay(page)
    await paid(page)


async def test_the_bank_is_answered(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(path_of(checkout))
    await fill(page, card=BANK_ASKS)
    await pay(page)
    await page.get_by_role("button", name="Fail authentication").click()
    await expect(page.get_by_text("Your bank could not confirm that it is you.")).to_be_visible()
    await expect(pay_button(page)).to_be_visible()
    await ensure_accessible(page)
    await pay(page)
    await page.get_by_role("button", name="Complete authentication").click()
    await paid(page)
    assert (await shop.status(checkout))["status"] == "succeeded"


async def test_a_page_that_is_loaded_again_goes_on_with_the_bank(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(path_of(checkout))
    await fill(page, card=BANK_ASKS)
    await pay(page)
    await expect(page.get_by_role("button", name="Complete authentication")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Your bank asks you to confirm this payment.")).to_be_visible()
    await ensure_accessible(page)
    await page.get_by_role("button", name="Continue with your bank").click()
    await page.get_by_role("button", name="Complete authentication").click()
    await paid(page)


async def test_an_empty_form_says_what_is_missing(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(path_of(checkout))
    await pay(page)
    await expect(page.get_by_text("Enter an email address")).to_be_visible()
    frame = page.frame_locator("iframe")
    await expect(frame.get_by_text("Your card number is incomplete.")).to_be_visible()
    await ensure_accessible(page)
    assert (await shop.status(checkout))["status"] == "open"


async def test_pressing_twice_and_in_two_tabs_charges_once(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    first = await visitor.visit(path_of(checkout))
    second = await visitor.visit(path_of(checkout))
    for page in (first, second):
        await fill(page, email="twice@example.com")
        await expect(pay_button(page)).to_be_visible()
        await consent(page)
    await pay_button(first).dblclick()
    await pay_button(second).click()
    await paid(first)
    await paid(second)
    bought = await shop.status(checkout)
    assert [one["status"] for one in await shop.payments(checkout)] == ["succeeded"]
    assert bought["status"] == "succeeded"


async def test_going_back_after_the_purchase_shows_it_again(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(path_of(checkout))
    await fill(page)
    await pay(page)
    await paid(page)
    await page.goto(f"{visitor.url}{path_of(checkout)}?locale=en")
    await paid(page)


async def test_a_lost_answer_is_not_taken_for_a_failed_payment(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(path_of(checkout))
    await fill(page)
    await expect(pay_button(page)).to_be_visible()
    lost = 0

    async def lose(route: object) -> None:
        nonlocal lost
        lost += 1
        if lost == 1:
            await route.fetch()  # type: ignore[attr-defined]
            await route.abort("connectionreset")  # type: ignore[attr-defined]
        else:
            await route.continue_()  # type: ignore[attr-defined]

    await page.route(re.compile("/confirm$"), lose)
    await pay(page)
    await paid(page)
    assert [one["status"] for one in await shop.payments(checkout)] == ["succeeded"]
    # The third confirm of a paid checkout asks for the session of the purchase.
    assert lost in {2, 3}
    visitor.faults = [fault for fault in visitor.faults if "ERR_CONNECTION_RESET" not in fault]


async def test_what_is_chosen_offline_is_sent_later(shop: Shop, visitor: Visitor) -> None:
    custom = {"amount_type": "custom", "minimum_amount": 500, "preset_amount": 1000}
    checkout = await shop.checkout(await shop.product(custom))
    page = await visitor.visit(path_of(checkout))
    await fill(page)
    await expect(pay_button(page)).to_have_text("Pay $10.00")
    await page.context.set_offline(True)
    await page.get_by_label("How much do you want to pay?").fill("20")
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    await expect(page.get_by_role("button", name="The total is being updated")).to_be_visible()
    await ensure_accessible(page)
    await page.context.set_offline(False)
    await expect(pay_button(page)).to_have_text("Pay $20.00")
    await pay(page)
    await paid(page)
    visitor.faults = [fault for fault in visitor.faults if "ERR_INTERNET_DISCONNECTED" not in fault]


async def test_a_card_form_that_does_not_load_can_be_loaded_again(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    refused = {"**/_stripe/stripe.js": lambda route: route.abort("connectionrefused")}
    page = await visitor.visit(path_of(checkout), answers=refused)
    await expect(page.get_by_text("The card form could not be loaded.")).to_be_visible()
    await ensure_accessible(page)
    await page.unroute("**/_stripe/stripe.js")
    await page.get_by_role("button", name="Load the card form again").click()
    await fill(page)
    await pay(page)
    await paid(page)
    visitor.faults = [fault for fault in visitor.faults if "ERR_CONNECTION_REFUSED" not in fault]
