"""Sequences that once differed, or that are seldom drawn: model and product agree, and the books are right."""

import pytest

from tests.model.driver.run import DAY, Runner, caller, replay, standing
from tests.model.driver.world import act


def bought(product="Small", currency="usd", customer=0, **more):
    """A purchase at once."""
    return act(0, "buy", customer=customer, product=product, currency=currency, **more)


SMALL = bought()
PAUSED_OWING = [
    SMALL, act(DAY, "change", subscription=0, behavior="prorate", product="Dear"),
    act(0, "pause", subscription=0, days=None),
    act(0, "turn", customer=0, card="insufficient_funds"), act(31 * DAY, "wait"),
]  # fmt: skip
SCRIPTS = {
    "a reset at the instant of the purchase forfeits its money": [
        bought("Large"), act(0, "change", subscription=0, behavior="reset", product="Year"),
        act(DAY, "refund", order=1, part=4, status="pending"),
        act(32 * DAY, "change", subscription=0, behavior="invoice", product="Dear"),
    ],
    "a draft is not charged without a card": [
        bought("Free"), act(0, "draft", customer=0, product="Once dear", currency="usd"), act(0, "finalize", order=1),
    ],
    "a refund of an order whose credits have the more tax": [
        bought("Dear", customer=1), act(DAY, "move", customer=1, place="a German business"),
        act(DAY, "change", subscription=0, behavior="prorate", product="Year"),
        act(DAY, "refund", order=1, part=4, status="succeeded"),
    ],
    "a refund of an order that billed two periods": [
        bought("Seats", quantity=2), act(15 * DAY, "change", subscription=0, behavior="prorate", product="More seats"),
        act(DAY, "change", subscription=0, behavior="reset", product="Graded seats"),
        act(0, "refund", order=1, part=4, status="succeeded"),
        act(DAY, "change", subscription=0, behavior="prorate", product="More seats"),
    ],
    "a trial that is over by the new product's": [
        bought("Tried long", "eur", customer=2),
        act(19 * DAY, "change", subscription=0, behavior="invoice", product="Tried"),
    ],
    "a payment that comes twice is given back": [
        SMALL, act(0, "turn", customer=0, card="insufficient_funds"), act(31 * DAY, "wait"),
        act(DAY, "add_card", customer=0, card="good"), act(DAY, "come_twice", order=1),
        act(0, "refund", order=1, part=4, status="succeeded"),
    ],
    "a checkout upgrades a free subscription, and it is changed after that": [
        bought("Free", customer=1), act(0, "cancel", subscription=0),
        act(DAY, "upgrade", subscription=0, product="Graded seats", currency="usd", quantity=4),
        act(9 * DAY, "change", subscription=0, behavior="invoice", quantity=2), act(31 * DAY, "wait"),
    ],
    "a customer who goes on needs a card": [
        bought("Free"), act(0, "change", subscription=0, behavior="next_period", product="Free"),
        act(0, "cancel", subscription=0), act(0, "uncancel", subscription=0, by_customer=True),
        act(0, "pause", subscription=0, days=None), act(31 * DAY, "resume", subscription=0, by_customer=True),
    ],
    "a resume with a card that pays, while the order before the pause is owed": [
        *PAUSED_OWING, act(0, "turn", customer=0, card="good"), act(0, "resume", subscription=0),
    ],
    "a resume with a card that does not pay": [*PAUSED_OWING, act(0, "resume", subscription=0), act(9 * DAY, "wait")],
    "a period that ends later, and is credited": [
        SMALL, act(DAY, "move_end", subscription=0, days=45),
        act(9 * DAY, "change", subscription=0, behavior="invoice", product="Dear"),
        act(DAY, "change", subscription=0, behavior="invoice", product="Free"), act(60 * DAY, "wait"),
    ],
    "at one instant a pause, which credits, comes before a renewal": [
        bought("Graded units", customer=2, quantity=6, discount="a third"),
        bought("Pay what you want", customer=2, chosen=1158),
        act(16 * DAY, "change", subscription=1, behavior="prorate", product="Small again"),
        act(11 * DAY, "pause", subscription=1, days=None), act(DAY, "wait"),
    ],
    "a discount that ends does not leave a dear product without a card": [
        bought("Free", "ugx", customer=1, discount="all of two months"),
        act(39 * DAY, "change", subscription=0, behavior="reset", product="Small"),
        act(29 * DAY, "buy", customer=1, product="Small", currency="eur", discount="five off"), act(33 * DAY, "wait"),
    ],
    "a discount of a subscription without a card is taken away, or ends sooner": [
        bought("Free", customer=1), act(0, "set_discount", subscription=0, discount="all of two months"),
        act(0, "change", subscription=0, behavior="next_period", product="Small"),
        act(0, "change", subscription=0, behavior="invoice", product="Small"), act(70 * DAY, "wait"),
    ],
    "a free trial becomes dear, and the customer's card pays for it": [
        bought("Free", "eur", customer=1), act(9 * DAY, "set_trial", subscription=0, days=40),
        act(0, "change", subscription=0, behavior="reset", product="Tried long"),
        bought("Graded seats", customer=1, quantity=9),
        act(DAY, "change", subscription=0, behavior="reset", product="Tried long"), act(62 * DAY, "wait"),
    ],
    "at one instant a purchase, a trial and its end": [
        step for at in range(4) for step in (
            bought("Small", customer=at % 3), act(0, "set_trial", subscription=at, days=40),
            act(0, "set_trial", subscription=at, days=None),
        )
    ],
    "a checkout upgrades to another currency while credit waits": [
        bought("Tried", "jpy", customer=2), act(31 * DAY, "refund", order=1, part=1, status="succeeded"),
        act(10, "change", subscription=0, behavior="prorate", product="Free"),
        act(0, "upgrade", subscription=0, product="Tried long", currency="eur"), act(31 * DAY, "wait"),
    ],
    "a checkout upgrades to another currency while debts wait": [
        bought("Free", "usd", customer=0), act(0, "add_card", customer=0, card="good"),
        act(9 * DAY, "change", subscription=0, behavior="prorate", product="Dear"),
        act(9 * DAY, "change", subscription=0, behavior="prorate", product="Free"),
        act(0, "upgrade", subscription=0, product="Large", currency="eur"), act(31 * DAY, "wait"),
    ],
    **{
        f"{lost} is lost after the payment was credited": [
            bought(product, currency, customer=1), bought("Small", currency, customer=1),
            act(10 * DAY, "change", subscription=0, behavior=behavior, product=other), act(0, "dispute", order=0),
            act(DAY, "decide", order=0, won=False), act(31 * DAY, "wait"),
        ]
        for lost, product, other, currency, behavior in (
            ("a dispute", "Dear", "Small", "eur", "invoice"),
            ("a dispute, taxed inside,", "Large", "Small", "eur", "invoice"),
            ("a dispute, of credit that waits,", "Dear", "Small", "usd", "prorate"),
            ("a dispute in forints", "Dear", "Week", "huf", "invoice"),
        )
    },
    **{
        f"changes, refunds and balances in {currency}": [
            bought("Dear", currency, customer=1, discount="a third"),
            act(10 * DAY, "change", subscription=0, behavior="invoice", product="Small"),
            act(0, "refund", order=0, part=1, status="succeeded"),
            act(0, "change", subscription=0, behavior="prorate", product="Large"), act(31 * DAY, "wait"),
            act(0, "refund", order=2, part=4, status="succeeded"),
        ]
        for currency in ("isk", "ugx", "huf", "kwd", "jpy")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
async def test_they_agree(app, bus, name):
    async with caller(app) as client:
        runner = Runner(app, client, bus)
        with standing(runner):
            assert await replay(runner, SCRIPTS[name]) == []
