"""Mails of `texts/`, in the language of the organization that they are sent to."""

from servicekit.languages import Texts, on_one_line
from servicekit.letters import Letter

LANGUAGES = Texts.load("webhooks.mails")


def endpoint_disabled(texts: Texts, name: str, url: str, reason: str) -> Letter:
    """The mail that an endpoint of the organization `name` was disabled."""
    found = texts.mail("endpoint_disabled")
    values = {"shop": on_one_line(name), "url": url, "reason": reason}
    return Letter(
        sender=values["shop"],
        subject=found["subject"].format(**values),
        paragraphs=[one.format(**values) for one in found["paragraphs"]],
        notes=found["notes"],
        language=texts.language,
    )
