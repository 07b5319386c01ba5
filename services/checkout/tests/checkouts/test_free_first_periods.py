"""The card is kept where a later period costs something, although the first costs nothing."""

import pytest
from contracts.checkout import CheckoutSucceededV1

from services.checkout.tests.support import confirmed, opened, problems

ALL = {"type": "percentage", "basis_points": 10_000}
METERED = {"amount_type": "metered_unit", "price_amount": None, "unit_amount": "1"}


async def free_at_first(client, sell, discount, terms):
    fields = {}
    if discount is not None:
        made = await client.post("/v1/discounts/", json={"name": "Free", **discount})
        fields["discount_id"] = made.json()["id"]
    return await opened(client, await sell(amount=2900, terms=terms), **fields)


@pytest.mark.parametrize(
    ("discount", "terms"),
    [
        ({**ALL, "duration": "once"}, {}),
        ({**ALL, "duration": "repeating", "duration_in_months": 2}, {}),
        ({"type": "fixed", "amount": 999_999, "currency": "usd", "duration": "once"}, {}),
        ({"type": "fixed", "amount": 999_999, "currency": "usd", "duration": "forever"}, {}),
        (None, METERED),
    ],
    ids=["once", "repeating", "larger than the price", "fixed forever", "by a meter"],
)
async def test_the_card_is_asked_for_and_kept(client, sell, bus, sandbox, discount, terms):
    checkout = await free_at_first(client, sell, discount, terms)
    flags = ("is_payment_required", "is_payment_setup_required", "is_payment_form_required")
    assert [checkout[name] for name in flags] == [False, True, True]
    assert problems(await confirmed(client, checkout, confirmation_token_id=None)) == [
        ["body", "confirmation_token_id"]
    ]
    declined = await confirmed(client, checkout, confirmation_token_id="pm_card_chargeDeclined")
    assert (declined.status_code, declined.json()["error"]) == (400, "PaymentError")
    for _ in range(2):
        assert (await confirmed(client, checkout)).status_code == 200
    (event,) = await bus.recorded(CheckoutSucceededV1)
    purchase = event.data
    assert (purchase.payment, purchase.total_amount, purchase.trial_end) == (None, 0, None)
    assert purchase.setup.method_metadata["last4"] == "4242"
    method = sandbox.get(f"/v1/payment_methods/{purchase.setup.processor_payment_method_id}")
    assert method["customer"] == purchase.setup.processor_customer_id
    assert sandbox.summary()["payment_intents"] == 0


@pytest.mark.parametrize(
    ("discount", "terms"),
    [
        ({**ALL, "duration": "forever"}, {}),
        ({**ALL, "duration": "forever"}, METERED),
        (None, {"price_amount": 0}),
        (None, {"amount_type": "custom", "price_amount": None, "minimum_amount": 0, "preset_amount": 0}),
    ],
    ids=["all of it forever", "all of a meter forever", "free", "nothing chosen"],
)
async def test_what_stays_free_needs_none(client, sell, bus, sandbox, discount, terms):
    checkout = await free_at_first(client, sell, discount, terms)
    flags = ("is_payment_required", "is_payment_setup_required", "is_payment_form_required")
    assert [checkout[name] for name in flags] == [False, False, False]
    assert (await confirmed(client, checkout, confirmation_token_id=None)).status_code == 200
    (event,) = await bus.recorded(CheckoutSucceededV1)
    assert (event.data.payment, event.data.setup) == (None, None)
