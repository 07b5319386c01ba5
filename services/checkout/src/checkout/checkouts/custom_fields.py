"""What buyers answer to the questions of a product: each answer is checked by its field's type and limits."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from servicekit.errors import InvalidInput

TEXT_LIMIT = 10_000
LOC = ("body", "custom_field_data")


def checked(asked: list[dict[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """The answers to the questions that a product asks, by slug; what it does not ask is left out (Polar's rule).

    An empty answer takes an earlier one away. Raises `InvalidInput` naming the answer that its field does not take.
    """
    answers: dict[str, Any] = {}
    for one in asked:
        field = one["custom_field"]
        slug = field["slug"]
        if slug in given:
            value = given[slug]
            problem = None if value is None or value == "" else _PROBLEMS[field["type"]](value, field["properties"])
            if problem is not None:
                raise InvalidInput((*LOC, slug), problem)
            answers[slug] = None if value == "" else value
    return answers


def asked_for(asked: list[dict[str, Any]], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers to what a product asks, without those that another one asked for."""
    slugs = {one["custom_field"]["slug"] for one in asked}
    return {slug: answer for slug, answer in answers.items() if slug in slugs}


def missing(asked: list[dict[str, Any]], answers: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Where required questions have no answer: a required box must be ticked, blanks are no text, and 0 is a number."""
    required = [one["custom_field"]["slug"] for one in asked if one["required"]]
    return [(*LOC, slug) for slug in required if _is_empty(answers.get(slug))]


def _is_empty(answer: Any) -> bool:
    return answer is None or answer is False or (isinstance(answer, str) and not answer.strip())


def _text(value: Any, limits: Mapping[str, Any]) -> str | None:
    if not isinstance(value, str):
        return "should be a text"
    if len(value) > limits.get("max_length", TEXT_LIMIT):
        return f"should have at most {limits.get('max_length', TEXT_LIMIT)} characters"
    if len(value) < limits.get("min_length", 0):
        return f"should have at least {limits['min_length']} characters"
    return None


def _number(value: Any, limits: Mapping[str, Any]) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return "should be a whole number"
    return _within(value, limits)


def _date(value: Any, limits: Mapping[str, Any]) -> str | None:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        return "should be a date: YYYY-MM-DD"
    return _within((day - date(1970, 1, 1)).days * 86_400, limits)


def _within(value: int, limits: Mapping[str, Any]) -> str | None:
    if "ge" in limits and value < limits["ge"]:
        return f"should be at least {limits['ge']}"
    if "le" in limits and value > limits["le"]:
        return f"should be at most {limits['le']}"
    return None


def _checkbox(value: Any, limits: Mapping[str, Any]) -> str | None:
    return None if isinstance(value, bool) else "should be true or false"


def _select(value: Any, limits: Mapping[str, Any]) -> str | None:
    known = [option["value"] for option in limits["options"]]
    return None if value in known else f"should be one of {', '.join(known)}"


_PROBLEMS: dict[str, Callable[[Any, Mapping[str, Any]], str | None]] = {
    "text": _text,
    "number": _number,
    "date": _date,
    "checkbox": _checkbox,
    "select": _select,
}
