"""What the shops of the sequences sell: every price kind that is billed, currencies, discounts, and places to live."""

from fractions import Fraction

from tests.model.reference.terms import Discount, Price, Product, Tax

SPECIAL = {"isk": 100, "huf": 40, "ugx": 400, "kwd": 10}
"""Currencies with steps, with a high minimum, and with three decimals, and how much more than in cents things cost.

KWD is not offered any more: subscriptions that were sold in it go on.
"""


def _in_all(kind, dollars, *, special=True, **terms):
    """A price in its currencies: in euros nine tenths, in yen a hundred for the dollar."""
    amounts = {"usd": dollars, "eur": dollars * 9 // 10, "jpy": dollars}
    prices = [(currency, Price(kind, amount, **terms)) for currency, amount in amounts.items()]
    for currency, factor in SPECIAL.items() if special else ():
        scaled = {**terms, "tiers": tuple((bound, unit * factor) for bound, unit in terms.get("tiers", ()))}
        prices.append((currency, Price(kind, dollars * factor, **scaled)))
    return tuple(prices)


def _tiers(*tiers):
    return tuple((bound, Fraction(unit)) for bound, unit in tiers)


SEATS = _tiers((3, 1500), (10, 1200), (None, 900))
UNITS = _tiers((10, "123.45"), (100, "61.725"), (None, 7))
PRODUCTS = {
    product.name: product
    for product in (
        Product("Free", _in_all("fixed", 0)),
        Product("Small", _in_all("fixed", 1000)),
        Product("Small again", _in_all("fixed", 1037)),
        Product("Large", _in_all("fixed", 2599)),
        Product("Dear", _in_all("fixed", 9999)),
        Product("Tried", _in_all("fixed", 3000), trial=("day", 14)),
        Product("Tried long", _in_all("fixed", 4999), trial=("month", 1)),
        Product("Week", _in_all("fixed", 733), "week"),
        Product("Ten days", _in_all("fixed", 550), "day", 10),
        Product("Quarter", _in_all("fixed", 7501), "month", 3),
        Product("Year", _in_all("fixed", 20001), "year"),
        Product("Seats", _in_all("seat_based", 0, tiers=SEATS)),
        Product("More seats", _in_all("seat_based", 0, tiers=_tiers((None, 2500)))),
        Product("Graded seats", _in_all("seat_based", 0, mode="graduated", tiers=SEATS)),
        Product("Units", _in_all("unit_based", 0, special=False, tiers=UNITS)),
        Product("Graded units", _in_all("unit_based", 0, special=False, mode="graduated", tiers=UNITS)),
        Product("Pay what you want", _in_all("custom", 0, special=False)),
        Product("Once", _in_all("fixed", 777), None),
        Product("Once dear", _in_all("fixed", 15001), None),
    )
}
RECURRING = [name for name, product in PRODUCTS.items() if product.interval]
ONCE = [name for name, product in PRODUCTS.items() if not product.interval]
INCLUSIVE = frozenset({("Large", "eur"), ("Seats", "eur"), ("Once dear", "eur"), ("Tried", "jpy"), ("Dear", "isk")})
"""Whose prices have their tax inside."""

DISCOUNTS = {
    discount.name: discount
    for discount in (
        Discount("half once", Fraction(1, 2), duration="once"),
        Discount("a third", Fraction(3333, 10000)),
        Discount("a fifth for three months", Fraction(1, 5), duration="repeating", months=3),
        Discount("all of two months", Fraction(1), duration="repeating", months=2),
        Discount("five off", amounts=(("usd", 500), ("eur", 450), ("jpy", 500), ("isk", 50_000))),
        Discount("five off once", amounts=(("usd", 500), ("jpy", 500)), duration="once"),
        Discount("half of Small and Seats", Fraction(1, 2), products=("Small", "Seats")),
    )
}

PLACES = {
    "California": ({"country": "US", "state": "US-CA"}, None, Tax("US-CA")),
    "Germany": ({"country": "DE"}, None, Tax("DE", Fraction(19, 100))),
    "a German business": ({"country": "DE"}, "DE136695976", Tax("DE reverse charge")),
    "Hungary": ({"country": "HU"}, None, Tax("HU", Fraction(27, 100))),
    "France": ({"country": "FR"}, None, Tax("FR", Fraction(20, 100))),
}
"""Address, tax id, and what the model taxes by. The seller is in France. Source of the rates: Directive 2006/112/EC,
the Commission's TEDB; of the reverse charge: its art. 196."""
HOMES = ("California", "Germany", "Hungary")
"""Where the three customers live at first."""
