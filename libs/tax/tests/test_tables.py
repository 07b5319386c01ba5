"""Published rates and numbers: every row has the source that it was read from."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from tax import (
    Address,
    Line,
    Reason,
    TaxEngine,
    TaxId,
    TaxIdInvalid,
    TaxInvalid,
    TaxRequest,
    TaxUnavailable,
    behavior_of,
    tax_id_of,
)
from tax.ids import _CHECKS, _FORMATS
from tax.money import apportioned, rounded
from tax.rates import table

TODAY = date(2026, 11, 24)
engine = TaxEngine()


def request(country, amount=10_000, *, state=None, behavior="exclusive", on=TODAY, seller="US", tax_id=None, **more):
    address = Address(country, state, more.pop("postal_code", None)) if country else None
    lines = more.pop("lines", (Line("a", amount),))
    return TaxRequest("order", "eur", behavior, lines, on, seller, address, tax_id, **more)


# (country, standard rate, source)
EUROPE = [
    ("AT", "20", "europa.eu: VAT rules and rates"), ("BE", "21", "europa.eu"), ("BG", "20", "europa.eu"),
    ("CY", "19", "europa.eu"), ("CZ", "21", "europa.eu"), ("DE", "19", "UStG § 12 (1)"), ("DK", "25", "europa.eu"),
    ("EE", "24", "Käibemaksuseadus § 15, since 2025-07-01"), ("ES", "21", "europa.eu"),
    ("FI", "25.5", "Arvonlisäverolaki 84 §, since 2024-09-01"), ("FR", "20", "CGI art. 278"), ("GR", "24", "europa.eu"),
    ("HR", "25", "europa.eu"), ("HU", "27", "europa.eu"), ("IE", "23", "europa.eu"), ("IT", "22", "europa.eu"),
    ("LT", "21", "europa.eu"), ("LU", "17", "europa.eu"), ("LV", "21", "europa.eu"), ("MT", "18", "europa.eu"),
    ("NL", "21", "europa.eu"), ("PL", "23", "europa.eu"), ("PT", "23", "europa.eu"),
    ("RO", "21", "Legea 141/2025, since 2025-08-01"), ("SE", "25", "europa.eu"), ("SI", "22", "europa.eu"),
    ("SK", "23", "Zákon 278/2024, since 2025-01-01"), ("GB", "20", "gov.uk/vat-rates"),
    ("CH", "8.1", "MWSTG art. 25, since 2024-01-01"), ("NO", "25", "skatteetaten.no"),
]  # fmt: skip


@pytest.mark.parametrize(("country", "rate", "source"), EUROPE)
async def test_european_rates(country, rate, source):
    result = await engine.calculate(request(country))
    assert [(item.rate, item.reason) for item in result.items] == [(Decimal(rate), Reason.STANDARD_RATED)]
    assert result.amount == Decimal(rate) * 100


# canada.ca: Charge and collect the tax - Which rate to charge; revenuquebec.ca; gov.bc.ca; gov.mb.ca; saskatchewan.ca
CANADA = {
    "AB": ["5"], "BC": ["5", "7"], "MB": ["5", "7"], "NB": ["15"], "NL": ["15"], "NS": ["14"], "NT": ["5"],
    "NU": ["5"], "ON": ["13"], "PE": ["15"], "QC": ["5", "9.975"], "SK": ["5", "6"], "YT": ["5"],
}  # fmt: skip


@pytest.mark.parametrize("state", CANADA)
async def test_canadian_rates_by_province(state):
    for spelled in (state, f"CA-{state}", state.lower()):
        result = await engine.calculate(request("CA", state=spelled))
        assert [item.rate for item in result.items] == [Decimal(rate) for rate in CANADA[state]]
        assert result.amount == sum(item.amount for item in result.items)


async def test_a_canadian_address_needs_its_province():
    for state in (None, "", "CA-XX", "TX"):
        with pytest.raises(TaxInvalid) as raised:
            await engine.calculate(request("CA", state=state))
        assert raised.value.field == "state"
    zero = await engine.tolerant(request("CA"))
    assert (zero.amount, zero.reason, zero.computation["field"]) == (0, Reason.NOT_SUPPORTED, "state")


@pytest.mark.parametrize(
    ("country", "state", "on", "rate"),
    [
        ("CA", "NS", date(2025, 3, 31), "15"),  # CRA GST/HST Notice 342
        ("CA", "NS", date(2025, 4, 1), "14"),
        ("SG", None, date(2023, 12, 31), "8"),  # iras.gov.sg: Current GST rates
        ("SG", None, date(2024, 1, 1), "9"),
        ("SA", None, date(2020, 6, 30), "5"),  # zatca.gov.sa
        ("SA", None, date(2020, 7, 1), "15"),
        ("MY", None, date(2024, 2, 29), "6"),  # mystods.customs.gov.my
        ("MY", None, date(2024, 3, 1), "8"),
        ("JP", None, date(2019, 9, 30), "8"),  # nta.go.jp
        ("JP", None, date(2019, 10, 1), "10"),
        ("AU", None, TODAY, "10"),  # ato.gov.au
        ("NZ", None, TODAY, "15"),  # ird.govt.nz
        ("IN", None, TODAY, "18"),  # cbic-gst.gov.in
        ("IL", None, date(2024, 12, 31), "17"),  # gov.il: Value Added Tax
        ("IL", None, date(2025, 1, 1), "18"),
    ],
)
async def test_a_sale_has_the_rate_of_its_day(country, state, on, rate):
    result = await engine.calculate(request(country, state=state, on=on))
    assert [item.rate for item in result.items] == [Decimal(rate)]
    assert result.computation["jurisdictions"][0]["source"]


async def test_before_there_was_a_tax_there_is_none():
    result = await engine.calculate(request("PH", on=date(2025, 6, 1)))
    assert (result.amount, result.reason) == (0, Reason.NOT_SUBJECT_TO_TAX)


def test_every_row_of_the_table_has_a_source_and_stands_once():
    rows = table()
    assert all(row["source"] for row in rows)
    keys = [(row["country"], row["state"], row["name"], row["since"]) for row in rows]
    assert len(keys) == len(set(keys))
    named = {name for row in rows for name in row["business_ids"].split()}
    assert named <= set(_CHECKS)


DE_ID = TaxId("DE136695976", "eu_vat")


@pytest.mark.parametrize(
    ("country", "seller", "tax_id", "reason"),
    [
        ("DE", "FR", DE_ID, Reason.REVERSE_CHARGE),  # Directive 2006/112/EC, art. 44 and 196
        ("DE", "US", DE_ID, Reason.REVERSE_CHARGE),
        ("DE", "DE", DE_ID, Reason.STANDARD_RATED),  # domestic: charged
        ("DE", None, DE_ID, Reason.STANDARD_RATED),  # where the seller is not known
        ("DE", "FR", TaxId("2181508150", "de_stn"), Reason.STANDARD_RATED),  # a national number is no VAT id
        ("DE", "FR", None, Reason.STANDARD_RATED),
        ("MC", "FR", TaxId("FR61954506077", "eu_vat"), Reason.STANDARD_RATED),  # art. 7: Monaco is France
        ("GB", "US", TaxId("GB980780684", "gb_vat"), Reason.REVERSE_CHARGE),  # VATA 1994, s 8
        ("IM", "GB", TaxId("GB980780684", "gb_vat"), Reason.STANDARD_RATED),  # Isle of Man Act 1979, s 6
        ("RE", "FR", TaxId("FR61954506077", "eu_vat"), Reason.STANDARD_RATED),  # a French department
        ("RE", "US", TaxId("FR61954506077", "eu_vat"), Reason.REVERSE_CHARGE),  # CGI art. 283 (2)
        ("AU", "US", TaxId("53004085616", "au_abn"), Reason.REVERSE_CHARGE),  # GST Act, s 9-25(7)
        ("ZA", "US", TaxId("4123456789", "za_vat"), Reason.STANDARD_RATED),
        ("US", "US", TaxId("911144442", "us_ein"), Reason.NOT_COLLECTING),
        ("BR", "US", None, Reason.NOT_SUPPORTED),
        ("BR", "US", TaxId("x", "br_cnpj"), Reason.NOT_SUBJECT_TO_TAX),
        (None, "US", None, Reason.NOT_SUPPORTED),
    ],
)
async def test_who_accounts_for_the_tax(country, seller, tax_id, reason):
    for behavior in ("inclusive", "exclusive"):
        result = await engine.calculate(request(country, seller=seller, tax_id=tax_id, behavior=behavior))
        assert result.reason == reason
        assert (result.amount > 0) == (reason == Reason.STANDARD_RATED)


async def test_a_canadian_business_still_pays_the_provincial_tax():
    """canada.ca: GST/HST for digital economy businesses; the PST of BC has no such rule."""
    result = await engine.calculate(request("CA", state="BC", tax_id=TaxId("123456782RT0001", "ca_gst_hst")))
    assert [(item.name, item.amount, item.reason) for item in result.items] == [
        ("PST", 700, Reason.STANDARD_RATED), ("GST", 0, Reason.REVERSE_CHARGE),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("country", "postal_code", "percent"),
    [
        ("ES", "28001", "21"), ("ES", "35001", None), ("ES", "38001", None), ("ES", "51001", None),
        ("DE", "27498", None), ("DE", "20095", "19"), ("IT", "23041", None), ("FI", "22100", None),
        ("PT", "9000-001", "22"), ("PT", "9500-001", "16"), ("PT", "1000-001", "23"),
        ("AT", "6691", "19"), ("AT", "6991", "19"), ("AT", "6993", "19"), ("AT", "6600", "20"),  # UStG § 10 (4)
        ("FR", "97100", "8.5"), ("FR", "97200", "8.5"), ("FR", "97400", "8.5"), ("FR", "75001", "20"),  # CGI art. 296
        ("FR", "97300", None), ("FR", "97600", None), ("FR", "97150", None), ("FR", "98800", None),  # CGI art. 294
        ("GP", None, "8.5"), ("MQ", None, "8.5"), ("RE", None, "8.5"), ("GF", None, None), ("YT", None, None),
        ("IM", "IM1 1AA", "20"), ("GB", "IM1 1AA", "20"), ("GB", "je2 3ab", None), ("GB", "GY1 1AA", None),
        ("AX", None, None), ("DK", "3900", None), ("DK", "2100", "25"), ("NO", "9170", None), ("SJ", None, None),
        ("IT", "47890", None), ("IT", "00120", None), ("IT", "00100", "22"), ("GR", "630 87", None),
        ("AU", "2899", None), ("AU", "2000", "10"), ("IL", None, "18"),
    ],
)  # fmt: skip
async def test_where_the_territory_of_a_member_state_ends(country, postal_code, percent):
    result = await engine.calculate(request(country, postal_code=postal_code))
    assert result.items[0].rate == (Decimal(percent) if percent else None)
    assert percent or result.reason == Reason.NOT_SUBJECT_TO_TAX


async def test_tax_is_a_multiple_of_the_step_and_so_are_its_parts():
    """ISK and UGX: Stripe charges no fractions of them. 24 % of 99.00 and 51.00 ISK is 36.00."""
    lines = (Line("a", 9900), Line("b", 5100))
    result = await engine.calculate(request("IS", lines=lines, step=100))
    assert (result.amount, sorted(result.line_amounts)) == (3600, [1200, 2400])
    assert result.computation["step"] == 100
    credit = await engine.calculate(request("IS", lines=(Line("a", -9900),), step=100))
    assert credit.amount == -2400  # 23.76


async def test_exempt_products_and_customers():
    lines = (Line("a", 1000), Line("b", 500, is_exempt=True))
    mixed = await engine.calculate(request("DE", lines=lines))
    assert mixed.line_amounts == (190, 0)
    assert [(item.reason, item.taxable_amount) for item in mixed.items] == [
        (Reason.STANDARD_RATED, 1000), (Reason.PRODUCT_EXEMPT, 500),
    ]  # fmt: skip
    exempt = await engine.calculate(request("DE", customer_exempt=True))
    assert (exempt.amount, exempt.reason) == (0, Reason.CUSTOMER_EXEMPT)


async def test_the_arithmetic_of_published_examples():
    """2900 at 20 % in it: 483.33; 1299 at 19 %: 246.81; lago PR #4313's 241.67 at 25 %: 60.4175."""
    assert (await engine.calculate(request("FR", 2900, behavior="inclusive"))).amount == 483
    exclusive = await engine.calculate(request("DE", 1299))
    assert (exclusive.amount, exclusive.computation["jurisdictions"][0]["exact"]) == (247, str(Fraction(24681, 100)))
    assert (await engine.calculate(request("SE", 24167))).amount == 6042
    quebec = await engine.calculate(request("CA", 1000, state="QC"))
    assert [item.amount for item in quebec.items] == [50, 100]  # 99.75


@pytest.mark.parametrize(
    ("price", "organization", "country", "behavior"),
    [
        (None, None, "DE", "inclusive"), (None, "location", "US", "exclusive"),
        ("location", "inclusive", "CA", "exclusive"),
        (None, "location", "IN", "exclusive"), ("inclusive", "exclusive", "US", "inclusive"),
        (None, "exclusive", "DE", "exclusive"), (None, None, None, "inclusive"),
    ],
)  # fmt: skip
def test_what_an_option_means_where_the_buyer_is(price, organization, country, behavior):
    assert behavior_of(price, organization, country) == behavior


# (typed, country, value, format, source)
IDS = [
    ("DE 136 695 976", "DE", "DE136695976", "eu_vat", "python-stdnum: de.vat"),
    ("136695976", "DE", "DE136695976", "eu_vat", ""),
    ("EL 094259216", "GR", "EL094259216", "eu_vat", "gr.vat"),
    ("GR094259216", "GR", "EL094259216", "eu_vat", ""),
    ("Fr 40 303 265 045", "FR", "FR40303265045", "eu_vat", "fr.tva"),
    ("IE 6433435F", "IE", "IE6433435F", "eu_vat", "ie.vat"),
    ("NL4495445B01", "NL", "NL004495445B01", "eu_vat", "nl.btw"),
    ("GB 980 7806 84", "GB", "GB980780684", "gb_vat", "gb.vat"),
    ("980 7806 84", "IM", "GB980780684", "gb_vat", "gov.im: numbers of the Isle of Man have the prefix GB"),
    ("40 303 265 045", "RE", "FR40303265045", "eu_vat", "fr.tva"),
    ("CHE-107.787.577 IVA", "CH", "CHE107787577IVA", "ch_vat", "ch.vat"),
    ("CHE-100.155.212", "CH", "CHE100155212", "ch_uid", "ch.uid"),
    ("NO 995 525 828 MVA", "NO", "995525828MVA", "no_vat", "no.mva"),
    ("83 914 571 673", "AU", "83914571673", "au_abn", "au.abn"),
    ("12302 6635 RC 0001", "CA", "", "", "an account of another program"),
    ("123456782RT0001", "CA", "123456782RT0001", "ca_gst_hst", "canada.ca"),
    ("49-091-850", "NZ", "49091850", "nz_gst", "nz.ird"),
    ("27AAPFU0939F1ZV", "IN", "27AAPFU0939F1ZV", "in_gst", "in_.gstin"),
    ("T7000012050002", "JP", "T7000012050002", "jp_trn", "nta.go.jp"),
    ("91-1144442", "US", "911144442", "us_ein", "us.ein"),
    ("DE136695978", "DE", "", "", "a wrong checksum"),
    ("FR40303265045", "DE", "", "", "of another member state than the address"),
    ("GB980780685", "GB", "", "", "a wrong checksum"),
    ("nonsense", "DE", "", "", ""),
    ("123", "AQ", "", "", "no known tax ids"),
]


@pytest.mark.parametrize(("typed", "country", "value", "format", "source"), IDS)
def test_tax_ids_are_checked(typed, country, value, format, source):
    if value:
        assert tax_id_of(typed, country) == TaxId(value, format)
    else:
        with pytest.raises(TaxIdInvalid):
            tax_id_of(typed, country)


def test_a_tax_id_needs_its_country():
    with pytest.raises(TaxIdInvalid, match="country"):
        tax_id_of("DE136695976", None)


@pytest.mark.parametrize("name", _CHECKS)
def test_every_format_answers_to_anything_typed(name):
    for typed in ("", "0", "💶", "0" * 64, "A" * 15, "\u0661\u0662\u0663", "12-34/56"):
        value = _CHECKS[name](typed, name[:2].upper())
        assert value is None or value.isascii()


def test_every_format_belongs_to_a_country():
    listed = {name for names in _FORMATS.values() for name in names}
    beside = {"eu_vat", "bg_uic", "de_stn", "es_cif", "hr_oib", "hu_tin", "ro_tin", "si_tin"}
    assert set(_CHECKS) - listed <= beside


def test_halves_go_away_from_zero():
    assert [rounded(Fraction(half, 2)) for half in (-3, -1, 0, 1, 3)] == [-2, -1, 0, 1, 2]
    assert apportioned(2, [Fraction(2, 3)] * 3) == (1, 1, 0)
    with pytest.raises(ValueError):
        apportioned(5, [Fraction(1, 2)] * 2)


class Broken:
    name = "broken"

    def __init__(self, error):
        self.error = error

    async def calculate(self, request):
        raise self.error

    async def record(self, calculation_id, reference):
        return None

    async def revert(self, transaction_id, reference, amount):
        return None


async def test_a_failing_provider_is_passed_over_and_a_refusal_is_not():
    asked = TaxEngine(Broken(TaxUnavailable("429")), Broken(TaxUnavailable("down")))
    result = await asked.calculate(request("DE"))
    assert (result.amount, result.provider, result.computation["failed_providers"]) == (
        1900,
        "builtin",
        {"broken": "down"},
    )
    refusing = TaxEngine(Broken(TaxInvalid("address", "unknown")))
    with pytest.raises(TaxInvalid):
        await refusing.calculate(request("DE"))
    assert (await refusing.tolerant(request("DE"))).amount == 0
