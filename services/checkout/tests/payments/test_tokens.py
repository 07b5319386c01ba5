"""What a buyer may pay with: a confirmation token, and in test mode the names of test cards; nobody's saved card."""

import pytest
from contracts.checkout import CheckoutSucceededV1
from processor import refusal_of

from services.checkout.tests.support import confirmed, opened


async def test_unknown_tokens_are_a_clear_refusal(client, sell, bus):
    product = await sell()
    checkout = await opened(client, product)
    for token in ("ctoken_none", "pm_none", "pm_card_unheard"):
        answer = await confirmed(client, checkout, confirmation_token_id=token)
        assert answer.status_code in {400, 422}, answer.text
    for token in (None, "", "a b", "x" * 300):
        answer = await confirmed(client, checkout, confirmation_token_id=token)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "confirmation_token_id"]
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "open"
    assert await bus.recorded(CheckoutSucceededV1) == []


@pytest.mark.parametrize("is_test_mode", [True, False])
def test_only_a_confirmation_token_pays_in_live_mode(is_test_mode):
    refused = {token: refusal_of(token, is_test_mode=is_test_mode) for token in ("ctoken_1", "pm_1", "pm_card_visa")}
    assert [token for token, reason in refused.items() if reason is None] == (
        ["ctoken_1", "pm_card_visa"] if is_test_mode else ["ctoken_1"]
    )


async def test_another_customer_s_saved_card_does_not_pay(client, sell, sandbox, bus):
    """A payment method's id proves nothing: it may be read in a log, or in Stripe's dashboard."""
    _, victims = sandbox.card()
    checkout = await opened(client, await sell())
    answer = await confirmed(client, checkout, confirmation_token_id=victims)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "confirmation_token_id"])
    assert sandbox.summary()["succeeded"] == 0
    assert await bus.recorded(CheckoutSucceededV1) == []


async def test_a_real_confirmation_token(client, sell, sandbox, bus):
    product = await sell(interval=None, amount=500)
    checkout = await opened(client, product)
    token = sandbox.post("/v1/test_helpers/confirmation_tokens", payment_method="pm_card_visa")
    answer = await confirmed(client, checkout, confirmation_token_id=token["id"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["subscription_id"] is None
    other = await opened(client, product)
    answer = await confirmed(client, other, confirmation_token_id=token["id"])
    assert answer.status_code == 400
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1
