"""The currencies that a card can be charged in: decimals, the step between amounts, and the least amount.

One table, for prices, checkouts, orders, documents and exports. Sources:

- Stripe, "Supported currencies" (docs.stripe.com/currencies): presentment currencies, "Zero-decimal currencies",
  "Three-decimal currencies", "Special cases" (ISK and UGX) and "Minimum and maximum charge amounts". The rules for HUF
  and TWD there are about payouts.
- Polar, `PresentmentCurrency` and `MINIMUM_PRICE_PER_CURRENCY` (server/polar/kit/currency.py). Stripe converts a charge
  to the currency that it settles in, and enforces that currency's minimum too. Polar's minimums are worth more than
  0.50 USD for that reason. Where Stripe publishes a larger minimum, that one counts.
- AFN, BYN, LBP, MMK and SLE: Stripe charges them, Polar does not list them. Their minimums follow Polar's rule.

All amounts are integers in Stripe's minor units.
"""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, WithJsonSchema
from typing_extensions import TypeAliasType

MAXIMUM_AMOUNT = 99_999_999
"""The largest charge, in minor units of any currency (Stripe: eight digits)."""

_OFFERED = {
    "aed": 200, "afn": 4000, "all": 5000, "amd": 20_000, "aoa": 50_000, "ars": 75_000, "aud": 70, "awg": 100,
    "azn": 100, "bam": 100, "bbd": 200, "bdt": 7000, "bif": 2000, "bmd": 100, "bnd": 100, "bob": 500, "brl": 250,
    "bsd": 100, "bwp": 1000, "byn": 200, "bzd": 200, "cad": 70, "cdf": 200_000, "chf": 50, "clp": 500, "cny": 500,
    "cop": 200_000, "crc": 30_000, "cve": 5000, "czk": 1500, "djf": 100, "dkk": 320, "dop": 4000, "dzd": 7000,
    "egp": 3000, "etb": 8000, "eur": 50, "fjd": 200, "fkp": 100, "gbp": 40, "gel": 200, "gip": 100, "gmd": 4000,
    "gnf": 5000, "gtq": 500, "gyd": 20_000, "hkd": 400, "hnl": 2000, "htg": 7000, "huf": 17_500, "idr": 900_000,
    "ils": 150, "inr": 6000, "isk": 7000, "jmd": 8000, "jpy": 80, "kes": 7000, "kgs": 5000, "khr": 300_000,
    "kmf": 500, "krw": 800, "kyd": 100, "kzt": 30_000, "lak": 2_000_000, "lbp": 5_000_000, "lkr": 20_000,
    "lrd": 10_000, "lsl": 1000, "mad": 500, "mdl": 1000, "mga": 3000, "mkd": 5000, "mmk": 200_000, "mnt": 200_000,
    "mop": 500, "mur": 5000, "mvr": 800, "mwk": 100_000, "mxn": 1000, "myr": 200, "mzn": 5000, "nad": 1000,
    "ngn": 70_000, "nio": 2000, "nok": 500, "npr": 8000, "nzd": 90, "pab": 100, "pen": 200, "pgk": 300,
    "php": 3500, "pkr": 20_000, "pln": 200, "pyg": 4000, "qar": 200, "ron": 250, "rsd": 6000, "rwf": 1000,
    "sar": 200, "sbd": 400, "scr": 800, "sek": 500, "sgd": 70, "shp": 100, "sle": 2000, "sos": 50_000,
    "srd": 2000, "szl": 1000, "thb": 2000, "tjs": 500, "top": 200, "try": 3000, "ttd": 400, "twd": 2000,
    "tzs": 200_000, "uah": 3000, "ugx": 200_000, "usd": 50, "uyu": 2000, "uzs": 700_000, "vnd": 20_000,
    "vuv": 100, "wst": 200, "xaf": 500, "xcd": 200, "xcg": 100, "xof": 500, "xpf": 100, "yer": 20_000, "zar": 900,
    "zmw": 1000,
}  # fmt: skip
"""The least charge in each currency in which something can be offered."""

_NOT_OFFERED = {
    "ang": 100, "bgn": 100, "bhd": 200, "jod": 400, "kwd": 200, "omr": 200, "rub": 6000, "std": 1_500_000,
    "tnd": 2000,
}  # fmt: skip
"""The same for currencies that are not offered, for what was sold in them before this table.

ANG, BGN and STD were replaced by XCG, EUR and STN. RUB cards are not accepted outside of Russia. Polar offers no
currency with three decimals.
"""

_PUBLISHED = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17_500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
    "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
"""Stripe's own list of minimum charge amounts."""

_NO_DECIMALS = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
_THREE_DECIMALS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
_STEPS = {"isk": 100, "ugx": 100} | dict.fromkeys(_THREE_DECIMALS, 10)
"""Stripe takes ISK and UGX with two decimals that have to be 00, and three decimals of which the last has to be 0."""

OFFERED = tuple(sorted(_OFFERED))
"""The codes in which something can be offered, in lower case."""


def minimum(currency: str) -> int:
    """The least that is offered or charged in a currency, in minor units."""
    return _OFFERED.get(currency) or _NOT_OFFERED.get(currency, 50)


def published_minimum(currency: str) -> int:
    """The least that Stripe may charge in a currency, in minor units: for prices that are older than this table."""
    return _PUBLISHED.get(currency) or minimum(currency)


def step(currency: str) -> int:
    """Amounts that are charged are multiples of this, in minor units."""
    return _STEPS.get(currency, 1)


def is_known(currency: str) -> bool:
    """Whether Stripe charges in a currency, or did."""
    return currency in _OFFERED or currency in _NOT_OFFERED


def decimals(currency: str) -> int:
    """How many decimals an amount has where people read it; 2 for a currency that is not known."""
    return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2


def major_units(amount: int | None, currency: str) -> Decimal | None:
    """An amount in minor units as people write it: 2900 of usd is 29.00, 2900 of jpy is 2900, 20050 of ugx 200.50."""
    return None if amount is None else Decimal(amount).scaleb(-decimals(currency))


def written(amount: int, currency: str) -> str:
    """An amount with its currency: `1,234.50 EUR`, `1,234 JPY`, `-200.50 UGX`."""
    return f"{Decimal(amount).scaleb(-decimals(currency)):,.{decimals(currency)}f} {currency.upper()}"


def least(currency: str) -> str:
    """The minimum as an error names it: `175.00 HUF (17500 in minor units)`."""
    return f"{written(minimum(currency), currency)} ({minimum(currency)} in minor units)"


def ensure_whole(amount: int, currency: str) -> int:
    """Returns `amount` (minor units). Raises `ValueError` unless Stripe takes its decimals."""
    if amount % step(currency):
        raise ValueError(f"should be a multiple of {step(currency)} in {currency.upper()}, in minor units")
    return amount


def ensure_chargeable(amount: int, currency: str) -> int:
    """Returns `amount` (minor units), which is 0 or can be charged. Raises `ValueError`, which names the minimum."""
    if 0 < amount < minimum(currency):
        raise ValueError(f"should be 0, or at least {least(currency)}")
    return ensure_whole(amount, currency)


def _offered(code: str) -> str:
    if code not in _OFFERED:
        raise ValueError("is not a currency that can be charged")
    return code


CurrencyCode = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z]{3}$")]
"""Three letters, in lower case: for what only looks things up."""
_SCHEMA = WithJsonSchema({"type": "string", "enum": list(OFFERED)})
_SCHEMA = WithJsonSchema({"type": "string", "enum": list(OFFERED)})
Currency = TypeAliasType("Currency", Annotated[CurrencyCode, AfterValidator(_offered), _SCHEMA])
"""A currency in which something can be offered: its ISO 4217 code, in lower case; upper case is accepted."""
