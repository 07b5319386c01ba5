"""Every mail is rendered in every language, with the same values in each, and what was typed is escaped."""

from string import Formatter

import pytest
from identity.customers.models import Customer
from identity.mails.operations import letter
from identity.mails.samples import LANGUAGES, samples
from identity.organizations.models import Organization

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


def test_a_mail_is_in_the_customers_language_and_the_sellers_look():
    logo = "https://shop.example/v1/files/1/public"
    branding = {"logo_url": logo, "brand_color": "#ffe600"}
    acme = Organization(name="<b>Acme</b>", slug="acme", branding=branding)
    path = "/acme/portal/verify-email?token=1"
    mail = letter(acme, Customer(data={"locale": "de-AT"}), "email_update", path, minutes=30)
    html = mail.html("https://shop.example")
    assert mail.subject == "Bestätigen Sie Ihre neue Adresse bei <b>Acme</b>"
    assert "<b>" not in html
    assert f'<img src="{logo}"' in html
    assert "background:#ffe600;color:#000000" in html
    assert f'href="https://shop.example{path}"' in html
    for locale in (None, "xx", "EN_us"):
        assert letter(acme, Customer(data={"locale": locale}), "login_code", code="1", minutes=1).language == "en"
