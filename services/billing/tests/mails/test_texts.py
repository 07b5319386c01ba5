"""Every mail is rendered in every language, with both parts, and what customers typed is escaped."""

from datetime import UTC, datetime
from string import Formatter

import pytest
from billing.mails import languages
from billing.mails.operations import OF_EVENTS, letter
from billing.mails.samples import TO_SELLERS, samples

TYPED = "<b>Ada & Söhne</b> {shop}"
VALUES = {
    "product": TYPED, "amount": "29.00 USD", "day": "1 May 2027", "receipt": "R-1", "last4": "4242",
    "month": "May 2027", "customer": "ada@example.com",
}  # fmt: skip
MAILS = sorted(languages.LANGUAGES["en"].data["mails"])


def keys(data, path=""):
    if isinstance(data, dict):
        return {one for key, value in data.items() for one in keys(value, f"{path}.{key}")}
    if isinstance(data, list):
        return {f"{path}[{len(data)}]"}
    fields = sorted({field for _, field, _, _ in Formatter().parse(data) if field})
    return {f"{path} {fields}"}


@pytest.mark.parametrize("language", sorted(languages.LANGUAGES))
@pytest.mark.parametrize("name", MAILS)
def test_a_mail_has_both_parts_and_escapes_what_was_typed(language, name):
    texts = languages.of(language)
    said = letter({"name": TYPED, "slug": "acme"}, texts, name, rows=[(TYPED, "1")], notes=[TYPED], **VALUES)
    text, html = said.text("https://shop.example"), said.html("https://shop.example")
    assert TYPED in text
    assert "https://shop.example/acme/portal" in text
    assert f'<html lang="{language}">' in html
    assert "<b>" not in html
    assert "&lt;b&gt;Ada &amp; Söhne&lt;/b&gt; {shop}" in html
    assert 'href="https://shop.example/acme/portal"' in html
    assert "<img" not in html, "without a logo nothing is loaded"
    assert "src=" not in html
    assert type(said).from_json(said.to_json()) == said


@pytest.mark.parametrize("language", sorted(set(languages.LANGUAGES) - {"en"}))
def test_languages_have_the_same_texts_with_the_same_values(language):
    english, other = keys(languages.LANGUAGES["en"].data["mails"]), keys(languages.LANGUAGES[language].data["mails"])
    assert {one.partition(" ")[0] for one in other} == {one.partition(" ")[0] for one in english}
    assert other == english
    rest = {"mails": {}}
    assert keys({**languages.LANGUAGES[language].data, **rest}) == keys({**languages.LANGUAGES["en"].data, **rest})


@pytest.mark.parametrize("language", sorted(languages.LANGUAGES))
def test_samples_have_every_mail_with_every_value(language):
    found = samples(language)
    assert sorted(found) == MAILS
    for name, mail in found.items():
        assert (mail.action is None) == (name in TO_SELLERS)
        assert "{" not in mail.text("https://shop.example") + mail.subject


def test_a_mail_has_the_sellers_logo_and_its_colour_with_readable_text():
    logo = "https://shop.example/v1/files/1/public"
    for color, on in (("#ffe600", "#000000"), ("#0f766e", "#ffffff"), (None, "#ffffff")):
        seller = {"name": "Acme", "slug": "acme", "branding": {"logo_url": logo, "brand_color": color}}
        html = letter(seller, languages.of("en"), "payment_failed", place="/orders/1", **VALUES).html(
            "https://a.example"
        )
        assert f'<img src="{logo}" alt=""' in html
        assert f"background:{color or '#1d4ed8'};color:{on}" in html
        assert 'href="https://a.example/acme/portal/orders/1"' in html
    odd = {"name": "Acme", "branding": {"logo_url": "javascript:alert(1)", "brand_color": "red;}"}}
    html = letter(odd, languages.of("en"), "refund", **VALUES).html("https://a.example")
    assert "javascript" not in html
    assert "red;}" not in html


def test_every_event_with_a_mail_has_its_texts():
    assert set(OF_EVENTS.values()) <= set(MAILS)


def test_dates_and_amounts_are_the_languages_own():
    at = datetime(2027, 3, 12, tzinfo=UTC)
    english, german = languages.of("en-GB"), languages.of("de_AT")
    assert (english.day(at), german.day(at)) == ("12 March 2027", "12. März 2027")
    assert (english.money(123450, "eur"), german.money(-123450, "eur")) == ("1,234.50 EUR", "−1.234,50 EUR")
    assert german.money(1234, "jpy") == "1.234 JPY"
    assert [languages.of(one).day(at) for one in ("es", "ja", "pl")] == [
        "12 de marzo de 2027", "2027年3月12日", "12 marca 2027",
    ]  # fmt: skip
    assert languages.of("pl").month(2027, 3) == "marzec 2027"
    assert languages.of("xx").language == languages.of(None).language == "en"
