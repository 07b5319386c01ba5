"""The table of currencies: every figure that Stripe or Polar publishes a rule for."""

import re
from pathlib import Path

import pytest
from pricing import currencies
from pricing.discounts import Snapshot, amount_off
from pydantic import BaseModel, ValidationError

PRESENTMENT = set(
    """
    aed all amd aoa ars aud awg azn bam bbd bdt bif bmd bnd bob brl bsd bwp bzd cad cdf chf clp cny cop crc cve
    czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jpy
    kes kgs khr kmf krw kyd kzt lak lkr lrd lsl mad mdl mga mkd mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok
    npr nzd pab pen pgk php pkr pln pyg qar ron rsd rwf sar sbd scr sek sgd shp sos srd szl thb tjs top try ttd
    twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw
    """.split()  # noqa: SIM905
)
"""Polar's PresentmentCurrency."""


class Offer(BaseModel):
    currency: currencies.Currency


def test_every_presentment_currency_of_the_sdks_is_offered():
    assert set(currencies.OFFERED) >= PRESENTMENT
    assert set(currencies.OFFERED) - PRESENTMENT == {"afn", "byn", "lbp", "mmk", "sle"}
    assert Offer(currency="EUR").currency == "eur"


@pytest.mark.parametrize("code", ["abc", "kwd", "bhd", "xxx", "bgn", "us", "euro", ""])
def test_what_cannot_be_charged_is_not_offered(code):
    with pytest.raises(ValidationError):
        Offer(currency=code)


@pytest.mark.parametrize(
    ("code", "least"),
    [
        # Polar's figure, or Stripe's where that is larger (mxn, thb: Polar's; mxn 10.00 is Stripe's)
        ("usd", 50), ("eur", 50), ("gbp", 40), ("aud", 70), ("krw", 800), ("inr", 6000), ("isk", 7000), ("jpy", 80),
        ("sek", 500), ("nok", 500), ("dkk", 320), ("huf", 17_500), ("mxn", 1000), ("thb", 2000), ("brl", 250),
        ("clp", 500), ("idr", 900_000), ("ugx", 200_000), ("kwd", 200),
    ],
)  # fmt: skip
def test_minimums(code, least):
    assert currencies.minimum(code) == least
    assert currencies.ensure_chargeable(least, code) == least
    assert currencies.ensure_chargeable(0, code) == 0
    with pytest.raises(ValueError, match=code.upper()):
        currencies.ensure_chargeable(least - currencies.step(code), code)


def test_every_minimum_can_be_charged_itself():
    for code in (*currencies.OFFERED, "kwd", "bgn"):
        assert 0 < currencies.published_minimum(code) <= currencies.minimum(code) <= currencies.MAXIMUM_AMOUNT
        assert currencies.minimum(code) % currencies.step(code) == 0


@pytest.mark.parametrize(
    ("amount", "code", "shown"),
    [
        (20050, "ugx", "200.50 UGX"), (10000, "isk", "100.00 ISK"), (1234, "jpy", "1,234 JPY"), (5, "usd", "0.05 USD"),
        (1234567, "kwd", "1,234.567 KWD"), (17500, "huf", "175.00 HUF"), (300, "twd", "3.00 TWD"), (7, "xof", "7 XOF"),
        (2000, "mga", "2,000 MGA"),
    ],
)  # fmt: skip
def test_decimals_are_those_of_stripes_minor_units(amount, code, shown):
    assert currencies.written(amount, code) == shown


@pytest.mark.parametrize(("amount", "code"), [(20_050, "ugx"), (200_050, "ugx"), (10_050, "isk"), (12_345, "kwd")])
def test_amounts_that_stripe_does_not_take_are_refused(amount, code):
    with pytest.raises(ValueError, match="multiple"):
        currencies.ensure_whole(amount, code)


def test_a_percentage_leaves_whole_amounts():
    third = Snapshot("percentage", 3333, None)
    assert amount_off(third, 199_000, "isk") == 66_300  # 66,326.7: the nearest whole krona
    assert amount_off(third, 199_000, "usd") == 66_327
    assert amount_off(Snapshot("percentage", 10_000, None), 20_050, "ugx") == 20_050


def test_the_documented_table_is_this_one():
    text = (Path(__file__).parents[3] / "docs/api/currencies.md").read_text()
    rows = re.findall(r"([A-Z]{3}) \| ([\d,.]+) \| (\d+) \|", text)
    shown = {code.lower(): (least, int(minor)) for code, least, minor in rows}
    expected = {
        code: (currencies.written(currencies.minimum(code), code)[:-4], currencies.minimum(code))
        for code in currencies.OFFERED
    }
    assert shown == expected
