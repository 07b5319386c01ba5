"""Every mail about consumers' rights is rendered in every language, and what was typed is escaped."""

from datetime import UTC, datetime
from string import Formatter

import pytest
from billing.consumer_rights import letters
from billing.mails import languages
from billing.orders.models import Order
from servicekit.letters import Action, Letter

TYPED = "<b>Ada & Söhne</b> {shop}"
SELLER = {"name": TYPED, "slug": "acme"}
VALUES = {
    "code": "482915", "number": "ACME-1", "minutes": "30", "hours": "24", "product": TYPED, "day": "1 May 2027",
    "time": "12:00:00", "end": "31 May 2027",
}  # fmt: skip
ENGLISH = letters.TEXTS["en"]


def fields(data, path=""):
    if isinstance(data, dict):
        return {one for key, value in data.items() for one in fields(value, f"{path}.{key}")}
    if isinstance(data, list):
        return {one for number, value in enumerate(data) for one in fields(value, f"{path}[{number}]")}
    return {f"{path} {sorted({field for _, field, _, _ in Formatter().parse(data) if field})}"}


def test_the_ten_languages_have_the_same_texts_with_the_same_values():
    assert set(letters.TEXTS) == {"en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "ja"}
    for language, texts in letters.TEXTS.items():
        assert fields(texts) == fields(ENGLISH), language


@pytest.mark.parametrize("language", sorted(set(letters.TEXTS) & set(languages.LANGUAGES)))
@pytest.mark.parametrize("name", sorted(ENGLISH["mails"]))
def test_a_mail_has_both_parts_and_escapes_what_was_typed(language, name):
    path = "/acme/cancel#token" if "action" in ENGLISH["mails"][name] else None
    links = [Action(TYPED, "/acme/withdraw?order=A%26B")]
    rows = [(label, TYPED) for label in ENGLISH["labels"]]
    said = letters.letter(SELLER, language, name, VALUES, rows=rows, also=[TYPED], path=path, links=links)
    text, html = said.text("https://shop.example"), said.html("https://shop.example")
    assert TYPED in text
    assert f'<html lang="{language}">' in html
    assert "<b>" not in html
    assert "https://shop.example/acme/withdraw?order=A%26B" in text
    assert 'href="https://shop.example/acme/withdraw?order=A%26B"' in html
    assert path is None or f"https://shop.example{path}" in text
    assert Letter.from_json(said.to_json()) == said
    stored = said.to_json()
    del stored["links"]
    assert Letter.from_json(stored).links == ()


@pytest.mark.parametrize("subscription_id", [None, "some"])
def test_a_confirmation_repeats_the_consent(subscription_id):
    consent = {"consented_at": "2027-05-01T12:00:00Z", "wording": "2026-12-01", "country": "DE", "locale": "de"}
    order = Order(subscription_id=subscription_id, immediate_delivery_consent=consent)
    (note,) = letters.notes_of(order, {"name": "Acme"}, "de-AT")
    assert "1. Mai 2027 um 12:00:00 Uhr (UTC)" in note
    assert "Acme" in note
    assert letters.notes_of(Order(immediate_delivery_consent=None), {"name": "Acme"}, "de") == []


def test_an_instant_is_in_utc():
    at = datetime(2027, 3, 12, 9, 5, 1, tzinfo=UTC)
    assert letters.instant(languages.of("en"), at) == {"day": "12 March 2027", "time": "09:05:01"}
