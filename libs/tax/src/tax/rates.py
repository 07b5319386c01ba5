"""Standard rates of electronically supplied services, each with its source and the day from which it holds.

Europe comes from `eu-vat-rates-data` (the European Commission's TEDB; its own release is its date, it has no history).
The rest is `rates.csv` beside this file: one row for each tax and day on which its rate changed, with its source and
the tax ids with which a business accounts for it. A sale has the rate of its day.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

import eu_vat_rates_data

EUROPE = f"eu-vat-rates-data {eu_vat_rates_data.data_version} (European Commission, Taxes in Europe Database)"
DIRECTIVE = "Council Directive 2006/112/EC"


@dataclass(frozen=True)
class Rate:
    """One tax of one jurisdiction, in percent."""

    country: str
    name: str
    percent: Decimal
    source: str
    state: str | None = None
    since: date | None = None
    business_ids: tuple[str, ...] = ()
    """With a valid id of these formats the buyer accounts for it, when the seller is in another country."""


NOT_COLLECTED: Mapping[str, str] = {
    "US": "sales tax depends on state, locality, product and nexus: left to a provider that knows them",
}

_OUTSIDE: Mapping[str, tuple[tuple[str, ...], str]] = {
    "ES": (("35", "38", "51", "52"), f"{DIRECTIVE}, art. 6: Canary Islands, Ceuta, Melilla"),
    "DE": (("27498", "78266"), f"{DIRECTIVE}, art. 6: Heligoland, Büsingen"),
    "IT": (("23041", "22061", "4789", "00120"), f"{DIRECTIVE}, art. 6: Livigno, Campione; San Marino, Vatican City"),
    "FI": (("22",), f"{DIRECTIVE}, art. 6: Åland"),
    "GR": (("63086", "63087"), f"{DIRECTIVE}, art. 6: Mount Athos"),
    "FR": (
        ("97133", "97150", "973", "975", "976", "977", "978", "984", "986", "987", "988"),
        "CGI art. 294 (1): Guyane, Mayotte; the overseas collectivities are no departments",
    ),
    "DK": (("39",), "Momsloven § 2: Greenland"),
    "NO": (("917", "8099"), "Merverdiavgiftsloven § 1-2: Svalbard, Jan Mayen"),
    "GB": (("GY", "JE", "GX"), "Interpretation Act 1978, sch 1, United Kingdom: not Guernsey, Jersey and Gibraltar"),
    "AU": (("2899", "6798", "6799"), "GST Act 1999, s 195-1, indirect tax zone: Norfolk, Christmas and Cocos Islands"),
}
"""Where a country's tax does not reach, by the beginning of the postal code."""

_UNTAXED: Mapping[str, str] = {
    "GF": "CGI art. 294 (1)",
    "YT": "CGI art. 294 (1)",
    "BL": "Code général des collectivités territoriales, art. LO 6214-4",
    "MF": "Code général des collectivités territoriales, art. LO 6314-4",
    "PM": "Code général des collectivités territoriales, art. LO 6414-1",
    "AX": f"{DIRECTIVE}, art. 6",
    "SJ": "Merverdiavgiftsloven § 1-2",
}
"""Territories with a country code of their own where the tax of the state that they belong to does not reach."""

_REGIONS: Mapping[str, tuple[tuple[tuple[str, ...], str, str, str], ...]] = {
    "AT": ((("6691", "6991", "6992", "6993"), "19", "Jungholz, Mittelberg", "UStG 1994 § 10 (4)"),),
    "FR": ((("971", "972", "974"), "8.5", "Guadeloupe, Martinique, Réunion", "CGI art. 296"),),
    "PT": (
        (("90", "91", "92", "93", "94"), "22", "Madeira", "Código do IVA, art. 18(3)(b)"),
        (("95", "96", "97", "98", "99"), "16", "Azores", "Código do IVA, art. 18(3)(a); Lei 45-A/2024"),
    ),
}
"""Regions with a rate of their own, by the beginning of the postal code."""

_EUROPEAN_IDS: Mapping[str, tuple[str, ...]] = {
    "GB": ("gb_vat",),
    "CH": ("ch_vat", "ch_uid"),
    "LI": ("ch_vat", "ch_uid", "li_uid"),
    "NO": ("no_vat",),
    "IS": ("is_vat",),
    "RS": ("rs_pib",),
    "MK": ("mk_vat",),
    "TR": ("tr_tin",),
    "GE": ("ge_vat",),
    "UA": ("ua_vat",),
    "AD": ("ad_nrt",),
    "MC": ("eu_vat",),
}


def is_in_the_eu(country: str) -> bool:
    """Whether a country is a member state of the European Union."""
    return eu_vat_rates_data.is_eu_member(country)


def is_known(country: str) -> bool:
    """Whether there is a rate for a country."""
    return eu_vat_rates_data.has_rate(country) or country in _by_country() or country in _UNTAXED


def not_collected(country: str) -> str | None:
    """Why the built-in tables collect nothing in a country, where they know of a tax; None elsewhere."""
    return NOT_COLLECTED.get(country)


def subdivisions_of(country: str) -> tuple[str, ...]:
    """The provinces that decide the rate; none where a country has one rate."""
    return tuple(sorted({rate.state for rate in _by_country().get(country, ()) if rate.state}))


def rates_of(country: str, state: str | None, postal_code: str | None, on: date) -> tuple[Rate, ...]:
    """The taxes that hold for a buyer on a day; none where a territory is outside, or before there was any."""
    code = (postal_code or "").replace(" ", "").replace("-", "").upper()
    if country in _UNTAXED or (country in _OUTSIDE and code.startswith(_OUTSIDE[country][0])):
        return ()
    if eu_vat_rates_data.has_rate(country):
        return _european(country, code)
    latest: dict[str, Rate] = {}
    for rate in _by_country().get(country, ()):
        if rate.state == state or rate.state is None:
            assert rate.since is not None
            before = latest.get(rate.name)
            if rate.since <= on and (before is None or before.since is None or before.since < rate.since):
                latest[rate.name] = rate
    return tuple(latest.values())


def _european(country: str, postal_code: str) -> tuple[Rate, ...]:
    entry = eu_vat_rates_data.get_rate(country)
    assert entry is not None
    ids = ("eu_vat",) if entry["eu_member"] else _EUROPEAN_IDS.get(country, ())
    for prefixes, value, region, source in _REGIONS.get(country, ()):
        if postal_code.startswith(prefixes):
            return (Rate(country, f"VAT {region}", Decimal(value), source, business_ids=ids),)
    return (Rate(country, "VAT", Decimal(str(entry["standard"])), EUROPE, business_ids=ids),)


@cache
def _by_country() -> Mapping[str, tuple[Rate, ...]]:
    rows: dict[str, list[Rate]] = {}
    for row in table():
        rate = Rate(
            row["country"],
            row["name"],
            Decimal(row["percent"]),
            row["source"],
            row["state"] or None,
            date.fromisoformat(row["since"]),
            tuple(row["business_ids"].split()),
        )
        rows.setdefault(rate.country, []).append(rate)
    return {country: tuple(rates) for country, rates in rows.items()}


def table() -> list[dict[str, str]]:
    """The rows of `rates.csv`."""
    with files("tax").joinpath("rates.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
