"""Case 14: one trial for a card and a mailbox, also when they ask at once."""

import asyncio

import pytest
from servicekit.testing import eventually

from tests.security.attacks.people import PATIENCE, Seller, address

CARDS = ("pm_card_visa", "pm_card_mastercard", "pm_card_amex")


@pytest.mark.parametrize("kind", ["card", "mailbox"])
async def test_six_at_once_get_one_trial(seller: Seller, kind: str) -> None:
    terms = {"recurring_interval": "month", "trial_interval": "day", "trial_interval_count": 7}
    product = await seller.product(2900, **terms)
    known = address("known")

    async def refused() -> bool:
        """Whether checkout has heard that the seller minds."""
        body = {"customer_email": known, "confirmation_token_id": "pm_card_discover"}
        answer = await seller.nobody.post(f"{await seller.page(product)}/confirm", json=body)
        return answer.status_code == 403

    await eventually(refused, seconds=PATIENCE, what="the seller's settings")
    name = address("trial").partition("@")[0]
    emails = [f"{name}+{n}@example.com" if kind == "mailbox" else f"{n}{name}@example.com" for n in range(6)]
    cards = [CARDS[0]] * 6 if kind == "card" else [CARDS[1 + n % 2] for n in range(6)]
    pages = [await seller.page(product) for _ in emails]
    answers = await asyncio.gather(*(
        seller.nobody.post(f"{page}/confirm", json={"customer_email": mailbox, "confirmation_token_id": card})
        for page, mailbox, card in zip(pages, emails, cards, strict=True)
    ))  # fmt: skip
    given = [answer for answer in answers if answer.status_code == 200]
    assert len(given) == 1, [answer.text[:200] for answer in answers]
