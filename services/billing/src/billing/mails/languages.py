"""What mails to customers say, by language: one JSON file a language in `texts/`, with the same keys in each."""

import json
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from pricing.currencies import written

DEFAULT = "en"


@dataclass(frozen=True)
class Texts:
    """The texts of a language, and how it writes dates and amounts."""

    language: str
    data: dict[str, Any]

    def mail(self, name: str) -> dict[str, Any]:
        """Subject, paragraphs and perhaps the label of the link of a mail."""
        found: dict[str, Any] = self.data["mails"][name]
        return found

    def label(self, name: str) -> str:
        """The label of a row."""
        return str(self.data["labels"][name])

    def day(self, at: datetime) -> str:
        """A day in UTC: `12 March 2027`."""
        return str(self.data["date"]).format(day=at.day, month=self.data["months"][at.month - 1], year=at.year)

    def month(self, year: int, month: int) -> str:
        """A month: `March 2027`."""
        return f"{self.data['months'][month - 1]} {year}"

    def money(self, amount: int, currency: str) -> str:
        """Minor units as people read them, with the currency's own decimals."""
        group, point = self.data["separators"]
        return written(amount, currency).translate(str.maketrans({",": group, ".": point, "-": "−"}))


def _load() -> dict[str, Texts]:
    folder = resources.files("billing.mails") / "texts"
    files = [one for one in folder.iterdir() if one.name.endswith(".json")]
    return {
        (language := one.name.removesuffix(".json")): Texts(language, json.loads(one.read_text("utf-8")))
        for one in files
    }


LANGUAGES = _load()


def of(locale: str | None) -> Texts:
    """The texts for a customer's locale (`de-AT`), in English where the language is not there."""
    language = (locale or DEFAULT).replace("_", "-").partition("-")[0].lower()
    return LANGUAGES.get(language, LANGUAGES[DEFAULT])
