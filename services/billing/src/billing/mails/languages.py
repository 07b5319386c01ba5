"""What mails say, by language: one JSON file a language in `texts/`, with the same keys in each."""

from pricing.currencies import written
from servicekit import languages


class Texts(languages.Texts):
    """The texts of a language, and how it writes dates and amounts."""

    def money(self, amount: int, currency: str) -> str:
        """Minor units as people read them, with the currency's own decimals."""
        group, point = self.data["separators"]
        return written(amount, currency).translate(str.maketrans({",": group, ".": point, "-": "−"}))


LANGUAGES = Texts.load("billing.mails")


def of(locale: str | None) -> Texts:
    """The texts for a locale (`de-AT`), in English where the language is not there."""
    return languages.chosen(LANGUAGES, locale)
