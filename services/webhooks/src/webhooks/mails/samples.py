"""Every mail with sample values, for `./polar emails` and for the tests that render them."""

from servicekit.letters import Letter

from webhooks.mails.operations import LANGUAGES, endpoint_disabled

__all__ = ["LANGUAGES", "samples"]


def samples(language: str) -> dict[str, Letter]:
    """The mails of a language by their names."""
    texts = LANGUAGES[language]
    reason = str(texts.data["failing"]).format(count=10, since="2027-03-12T08:00:00Z")
    url = "https://shop.example/webhooks"
    return {"endpoint_disabled": endpoint_disabled(texts, "Analytical Engines", url, reason)}
