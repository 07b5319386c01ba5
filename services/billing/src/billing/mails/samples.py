"""Every mail with sample values, for `./polar emails` and for the tests that render them."""

from datetime import UTC, datetime
from string import Formatter

from servicekit.letters import Letter

from billing.mails.languages import LANGUAGES
from billing.mails.operations import letter

TO_SELLERS = {"sale", "dispute"}
_VALUES = {
    "product": "Pro Plan", "receipt": "R-7QK2MZPA-0001", "last4": "4242", "customer": "ada@example.com",
}  # fmt: skip
_DAY = datetime(2027, 3, 12, tzinfo=UTC)
_SELLER = {"name": "Analytical Engines", "slug": "analytical-engines"}


def samples(language: str) -> dict[str, Letter]:
    """The mails of a language by their names. A value without a sample stands as its name."""
    texts = LANGUAGES[language]
    amount = texts.money(123450, "eur")
    known = {**_VALUES, "amount": amount, "day": texts.day(_DAY), "month": texts.month(2027, 3)}
    return {
        name: letter(
            _SELLER, texts, name,
            rows=[("Pro Plan", amount), (texts.label("total"), amount)] if name == "receipt" else (),
            notes=[texts.data["documents"]] if name == "receipt" else (),
            has_link=name not in TO_SELLERS,
            **{field: known.get(field, field) for field in _fields(found) - {"shop"}},
        )
        for name, found in texts.data["mails"].items()
    }  # fmt: skip


def _fields(found: dict[str, object]) -> set[str]:
    paragraphs = found["paragraphs"] if isinstance(found["paragraphs"], list) else []
    lines = [str(found["subject"]), *map(str, paragraphs)]
    return {field for line in lines for _, field, _, _ in Formatter().parse(line) if field}
