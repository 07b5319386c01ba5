"""Tax of orders that billing writes itself: by the rules of checkout, and never a reason to hold one up."""

from datetime import UTC, datetime

import pytest
import tax
from billing.orders.tax import tax_of, use
from servicekit.outside import AskOutside, asking

AT = datetime(2026, 11, 24, tzinfo=UTC)
DE = {"country": "DE"}


def asked(*amounts, **changes):
    wish = {
        "reference": "subscription", "amounts": amounts, "currency": "eur", "address": DE, "tax_id": None,
        "behavior": None, "product": None, "seller": {"country": "FR"}, "at": AT, **changes,
    }  # fmt: skip
    return tax_of(**wish)


def test_lines_share_the_tax_of_the_order():
    found = asked(1000, 333, -500, behavior="exclusive")
    assert (found.amount, sum(found.lines), found.behavior) == (158, 158, "exclusive")
    assert (found.breakdown[0]["rate"], found.breakdown[0]["taxable_amount"]) == ("19", 833)
    assert found.computation["jurisdictions"][0]["exact"] == "15827/100"


def test_a_credit_gives_its_tax_back():
    assert asked(-1000, behavior="exclusive").amount == -190
    assert asked(-1000, behavior="inclusive").amount == -160


@pytest.mark.parametrize(
    ("frozen", "price", "seller", "behavior"),
    [
        ("exclusive", "inclusive", "inclusive", "exclusive"),
        (None, "exclusive", "inclusive", "exclusive"),
        (None, None, "exclusive", "exclusive"),
        (None, None, "location", "inclusive"),
    ],
)
def test_what_was_frozen_on_the_subscription_stays(frozen, price, seller, behavior):
    product = {
        "prices": [{"price_currency": "usd", "tax_behavior": None}, {"price_currency": "eur", "tax_behavior": price}]
    }
    found = asked(1000, behavior=frozen, product=product, seller={"country": "FR", "default_tax_behavior": seller})
    assert found.behavior == behavior


def test_a_business_elsewhere_accounts_for_it_and_a_number_that_is_none_does_not_count():
    found = asked(1000, tax_id=["DE136695976", "eu_vat"])
    assert (found.amount, found.tax_id) == (0, ["DE136695976", "eu_vat"])
    assert found.breakdown[0]["taxability_reason"] == "reverse_charge"
    wrong = asked(1000, tax_id=["DE123456789", "eu_vat"])
    assert (wrong.amount, wrong.tax_id) == (160, None)
    assert asked(1000, tax_id=["DE136695976", "eu_vat"], seller={}).amount == 160


def test_what_is_wrong_with_an_address_never_holds_an_order_up():
    found = asked(1000, address={"country": "CA"})
    assert (found.amount, found.breakdown[0]["taxability_reason"], found.computation["field"]) == (
        0, "not_supported", "state",
    )  # fmt: skip
    nowhere = asked(1000, address=None)
    assert (nowhere.amount, nowhere.breakdown, list(nowhere.lines)) == (0, None, [0])


class Elsewhere(tax.BuiltInTax):
    """A provider of the outside: asked over the network, and down at first."""

    name = "elsewhere"

    def __init__(self, *failures):
        self.failures = list(failures)
        self.asked = 0

    async def calculate(self, request):
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return await super().calculate(request)


@pytest.fixture
def provided():
    yield lambda provider: use(tax.Quotes(provider))
    use(tax.Quotes())


async def test_a_provider_of_the_outside_is_asked_between_transactions_and_once(provided):
    provider = Elsewhere()
    provided(provider)
    with pytest.raises(AskOutside):
        asked(1000)

    async def work():
        return asked(1000)

    assert (await asking(work)).amount == 160
    assert asked(1000).amount == 160
    assert provider.asked == 1


@pytest.mark.parametrize("failure", [tax.TaxUnavailable("429"), tax.TaxInvalid("address", "unknown")])
async def test_a_provider_that_fails_or_refuses_does_not_block(provided, failure):
    provided(Elsewhere(failure))

    async def work():
        return asked(1000)

    found = await asking(work)
    assert found.amount == (160 if isinstance(failure, tax.TaxUnavailable) else 0)
