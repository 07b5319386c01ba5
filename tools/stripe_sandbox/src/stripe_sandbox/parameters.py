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
MAXIMUM = 99_999_999
OTHERS = {
    "afn", "all", "amd", "ang", "aoa", "ars", "awg", "azn", "bam", "bbd", "bdt", "bif", "bmd", "bnd", "bob", "bsd",
    "bwp", "byn", "bzd", "cdf", "clp", "cny", "cop", "crc", "cve", "djf", "dop", "dzd", "egp", "etb", "fjd", "fkp",
    "gel", "gip", "gmd", "gnf", "gtq", "gyd", "hnl", "htg", "idr", "ils", "isk", "jmd", "kes", "kgs", "khr", "kmf",
    "krw", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad", "mdl", "mga", "mkd", "mmk", "mnt", "mop", "mur",
    "mvr", "mwk", "mzn", "nad", "ngn", "nio", "npr", "pab", "pen", "pgk", "php", "pkr", "pyg", "qar", "rsd", "rub",
    "rwf", "sar", "sbd", "scr", "shp", "sle", "sos", "srd", "std", "szl", "tjs", "top", "try", "ttd", "twd", "tzs",
    "uah", "ugx", "uyu", "uzs", "vnd", "vuv", "wst", "xaf", "xcd", "xof", "xpf", "yer", "zar", "zmw",
}  # fmt: skip


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
    if currency not in MINIMUM and currency not in OTHERS:
        raise StripeError(400, f"Invalid currency: {currency}.", param="currency")
    check_amount(amount, currency)
    return amount, currency


def check_amount(amount: int, currency: str) -> None:
    """Raises for an amount (minor units) outside of Stripe's limits."""
    if amount < 1:
        raise StripeError(
            400,
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    if amount < MINIMUM.get(currency, 50):
        raise StripeError(
            400,
            f"Amount must be at least {MINIMUM.get(currency, 50)} {currency} (minor units)",
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
