"""Every mail is rendered in every language, with the same values in each, and what was typed is escaped."""

from string import Formatter

import pytest
from webhooks.mails.samples import LANGUAGES, samples

ENGLISH = LANGUAGES["en"].data


def keys(data, path=""):
    """The places of a text with the names of its values."""
    if isinstance(data, dict):
        return {one for key, value in data.items() for one in keys(value, f"{path}.{key}")}
    if isinstance(data, list):
        return {one for place, value in enumerate(data) for one in keys(value, f"{path}[{place}]")}
    return {f"{path} {sorted(field for _, field, _, _ in Formatter().parse(data) if field)}"}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_language_has_every_text_with_the_same_values(language):
    def values(data):
        mails = {
            name: "".join(map(str, [mail["subject"], *mail["paragraphs"]])) for name, mail in data["mails"].items()
        }
        return keys(mails) | {one.partition(" ")[0] for one in keys(data)}

    assert values(LANGUAGES[language].data) == values(ENGLISH)
    found = samples(language)
    assert set(found) == set(ENGLISH["mails"])
    for mail in found.values():
        text, html = mail.text("https://shop.example"), mail.html("https://shop.example")
        assert f'<html lang="{language}">' in html
        assert "Analytical Engines" in mail.subject + text
        assert "{" not in mail.subject + text
        assert type(mail).from_json(mail.to_json()).html("https://shop.example") == html
