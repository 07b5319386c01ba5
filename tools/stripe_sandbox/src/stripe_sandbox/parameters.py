"""Reading what a client of Stripe sends: form fields, where everything is text."""

from collections.abc import Iterable
from typing import Any

from stripe_sandbox.errors import StripeError

MINIMUM = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30,
    "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200,
    "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
"""The least that Stripe charges, in minor units (Stripe's documentation, "Minimum and maximum charge amounts")."""
SETTLED = {
    "afn": 4000, "all": 5000, "amd": 20_000, "ang": 100, "aoa": 50_000, "ars": 75_000, "awg": 100, "azn": 100,
    "bam": 100, "bbd": 200, "bdt": 7000, "bhd": 200, "bif": 2000, "bmd": 100, "bnd": 100, "bob": 500, "bsd": 100,
    "bwp": 1000, "byn": 200, "bzd": 200, "cdf": 200_000, "clp": 500, "cny": 500, "cop": 200_000, "crc": 30_000,
    "cve": 5000, "djf": 100, "dop": 4000, "dzd": 7000, "egp": 3000, "etb": 8000, "fjd": 200, "fkp": 100,
    "gel": 200, "gip": 100, "gmd": 4000, "gnf": 5000, "gtq": 500, "gyd": 20_000, "hnl": 2000, "htg": 7000,
    "idr": 900_000, "ils": 150, "isk": 7000, "jmd": 8000, "jod": 400, "kes": 7000, "kgs": 5000, "khr": 300_000,
    "kmf": 500, "krw": 800, "kwd": 200, "kyd": 100, "kzt": 30_000, "lak": 2_000_000, "lbp": 5_000_000,
    "lkr": 20_000, "lrd": 10_000, "lsl": 1000, "mad": 500, "mdl": 1000, "mga": 3000, "mkd": 5000, "mmk": 200_000,
    "mnt": 200_000, "mop": 500, "mur": 5000, "mvr": 800, "mwk": 100_000, "mzn": 5000, "nad": 1000, "ngn": 70_000,
    "nio": 2000, "npr": 8000, "omr": 200, "pab": 100, "pen": 200, "pgk": 300, "php": 3500, "pkr": 20_000,
    "pyg": 4000, "qar": 200, "rsd": 6000, "rub": 6000, "rwf": 1000, "sar": 200, "sbd": 400, "scr": 800,
    "shp": 100, "sle": 2000, "sos": 50_000, "srd": 2000, "std": 1_500_000, "szl": 1000, "tjs": 500, "tnd": 2000,
    "top": 200, "try": 3000, "ttd": 400, "twd": 2000, "tzs": 200_000, "uah": 3000, "ugx": 200_000, "uyu": 2000,
    "uzs": 700_000, "vnd": 20_000, "vuv": 100, "wst": 200, "xaf": 500, "xcd": 200, "xcg": 100, "xof": 500,
    "xpf": 100, "yer": 20_000, "zar": 900, "zmw": 1000,
}  # fmt: skip
"""The least in the other presentment currencies: about 0.50 USD, since an account that settles in USD is held to the
minimum of USD after conversion. Three-decimal currencies end in 0."""
MAXIMUM = 99_999_999
STEPS = {"isk": 100, "ugx": 100, "bhd": 10, "jod": 10, "kwd": 10, "omr": 10, "tnd": 10}
"""What amounts are multiples of ("Special cases", "Three-decimal currencies"); 1 elsewhere."""


def known(data: dict[str, Any], names: Iterable[str]) -> None:
    """Refuses what Stripe does not know."""
    unknown = sorted(set(data) - set(names))
    if unknown:
        raise StripeError(
            400,
            f"Received unknown parameter{'s' if len(unknown) > 1 else ''}: {', '.join(unknown)}",
            code="parameter_unknown",
            param=unknown[0],
        )


def flag(data: dict[str, Any], name: str) -> bool:
    """A truth value; absent is false."""
    value = data.get(name, False)
    if value in (True, "true"):
        return True
    if value in (False, "false", ""):
        return False
    raise StripeError(400, f"Invalid boolean: {value}", param=name)


def integer(data: dict[str, Any], name: str) -> int:
    """A number that must be there."""
    if name not in data:
        raise StripeError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
    try:
        return int(str(data[name]))
    except ValueError:
        raise StripeError(
            400, f"Invalid integer: {data[name]}", code="parameter_invalid_integer", param=name
        ) from None  # fmt: skip


def text(data: dict[str, Any], name: str, words: Iterable[str] | None = None) -> str | None:
    """A text or None; empty is absent, as Stripe reads it."""
    value = data.get(name)
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise StripeError(400, f"Invalid string: {value}", param=name)
    if words is not None and value not in words:
        raise StripeError(400, f"Invalid {name}: must be one of {', '.join(words)}", param=name)
    return value


def metadata(data: dict[str, Any], before: dict[str, str] | None = None) -> dict[str, str]:
    """Merged into what was there; an empty value takes a key away. At most 50 keys (Stripe's rule)."""
    given = data.get("metadata") or {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise StripeError(400, "Invalid object", param="metadata")
    merged = {**(before or {}), **given}
    merged = {name: value for name, value in merged.items() if value != ""}
    if len(merged) > 50 or any(len(name) > 40 or len(value) > 500 for name, value in merged.items()):
        raise StripeError(400, "Metadata can have up to 50 keys of 40 and values of 500 characters", param="metadata")
    return merged


def amount_and_currency(data: dict[str, Any]) -> tuple[int, str]:
    """What is charged. Raises for a currency that Stripe does not take and for amounts outside of its limits."""
    amount = integer(data, "amount")
    if "currency" not in data:
        raise StripeError(400, "Missing required param: currency.", code="parameter_missing", param="currency")
    currency = str(data["currency"]).lower()
    check_currency(currency)
    check_amount(amount, currency)
    return amount, currency


def check_currency(currency: str) -> None:
    """Raises for a currency that Stripe does not take."""
    if currency not in MINIMUM and currency not in SETTLED:
        raise StripeError(400, f"Invalid currency: {currency}.", param="currency")


def check_step(amount: int, currency: str) -> None:
    """Raises for an amount (minor units) with decimals that the currency's charges and refunds do not have."""
    step = STEPS.get(currency, 1)
    if amount % step:
        raise StripeError(
            400,
            f"Invalid amount. Amounts in {currency.upper()} must be evenly divisible by {step}.",
            code="invalid_charge_amount_no_decimal_compatible" if step == 100 else None,
            param="amount",
        )


def check_amount(amount: int, currency: str) -> None:
    """Raises for an amount (minor units) outside of Stripe's limits."""
    if amount < 1:
        raise StripeError(
            400,
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    check_step(amount, currency)
    least = MINIMUM.get(currency) or SETTLED[currency]
    if amount < least:
        raise StripeError(
            400,
            f"Amount must be at least {least} {currency} (minor units)",
            code="amount_too_small",
            param="amount",
        )
    if amount > MAXIMUM:
        raise StripeError(400, f"Amount must be no more than {MAXIMUM}", code="amount_too_large", param="amount")


def page(documents: list[dict[str, Any]], data: dict[str, Any], url: str) -> dict[str, Any]:
    """A list of Stripe's: `limit` (10, at most 100), `starting_after`, `ending_before`."""
    limit = integer(data, "limit") if "limit" in data else 10
    if not 1 <= limit <= 100:
        raise StripeError(400, "limit must be from 1 to 100", param="limit")
    ids = [document["id"] for document in documents]
    for name in ("starting_after", "ending_before"):
        if name in data and data[name] not in ids:
            raise StripeError(400, f"No such object: '{data[name]}'", code="resource_missing", param=name)
    if "starting_after" in data:
        documents = documents[ids.index(data["starting_after"]) + 1 :]
    elif "ending_before" in data:
        documents = documents[: ids.index(data["ending_before"])][-limit:]
    return {"object": "list", "url": url, "data": documents[:limit], "has_more": len(documents) > limit}
