"""Texts of mails by language: one JSON file a language in a package's folder `texts/`, with the same keys in each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any, Self, TypeVar

DEFAULT = "en"


@dataclass(frozen=True)
class Texts:
    """The texts of a language, and how it writes dates."""

    language: str
    data: dict[str, Any]

    @classmethod
    def load(cls, package: str) -> Mapping[str, Self]:
        """Every language of a package, by its code."""
        folder = resources.files(package) / "texts"
        files = [one for one in folder.iterdir() if one.name.endswith(".json")]
        return {
            (language := one.name.removesuffix(".json")): cls(language, json.loads(one.read_text("utf-8")))
            for one in files
        }

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
        return str(self.data["month"]).format(month=self.data["month_names"][month - 1], year=year)


Kind = TypeVar("Kind", bound=Texts)


def chosen(languages: Mapping[str, Kind], locale: str | None) -> Kind:
    """The texts for a locale (`de-AT`), in English where the language is not there."""
    language = (locale or DEFAULT).replace("_", "-").partition("-")[0].lower()
    return languages.get(language, languages[DEFAULT])


def on_one_line(text: Any) -> str:
    """On one line, whatever was typed."""
    return " ".join(str(text).split())
