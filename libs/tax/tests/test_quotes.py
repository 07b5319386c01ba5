"""Answers of a provider of the outside, each for one sale."""

from datetime import date

import tax

BERLIN = tax.Address("DE")


class Outside(tax.BuiltInTax):
    """A provider that keeps calculations, and numbers them."""

    name = "outside"

    def __init__(self):
        self.asked = []

    async def calculate(self, request):
        self.asked.append(request.reference)
        result = await super().calculate(request)
        return tax.Result(
            result.behavior, result.amount, result.items, result.line_amounts, self.name, {}, f"calc_{len(self.asked)}"
        )


def sale(reference, amount=1000):
    return tax.TaxRequest(
        reference, "eur", "exclusive", (tax.Line("a", amount),), date(2026, 11, 28), "DE", BERLIN
    )  # fmt: skip


async def test_two_sales_that_ask_the_same_have_a_calculation_each():
    outside = Outside()
    quotes = tax.Quotes(outside)
    await quotes.ask(sale("one"))
    first = quotes.known(sale("one"))
    assert quotes.known(sale("two")) is None, "another sale"
    await quotes.ask(sale("two"))
    second = quotes.known(sale("two"))
    assert (first.amount, first.calculation_id) == (190, "calc_1")
    assert (second.amount, second.calculation_id) == (190, "calc_2")
    assert [quotes.known(sale(name)).calculation_id for name in ("one", "two", "one")] == ["calc_1", "calc_2", "calc_1"]


async def test_work_that_is_done_again_under_another_name_takes_what_was_asked_for_it():
    quotes = tax.Quotes(Outside())
    await quotes.ask(sale("rolled back"))
    assert quotes.known(sale("again")).calculation_id == "calc_1"
    assert quotes.known(sale("rolled back")) is None


async def test_two_that_ask_at_once_each_get_one():
    quotes = tax.Quotes(Outside())
    await quotes.ask(sale("one"))
    await quotes.ask(sale("two"))
    taken = {quotes.known(sale(name)).calculation_id for name in ("three", "four")}
    assert taken == {"calc_1", "calc_2"}
    assert quotes.known(sale("five")) is None


async def test_without_the_outside_the_tables_answer_everybody():
    assert tax.Quotes().known(sale("any")).amount == 190
