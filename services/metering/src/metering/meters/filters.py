"""Filters of events: a tree of conditions, and what it is in SQL.

Comparing is strict about types, as Polar's is: a text never matches a number, nor the other way round.
"""

from typing import Annotated, Any, Literal, Union

from pydantic import Field, StringConstraints
from servicekit.fields import INT8
from servicekit.inputs import Input
from sqlalchemy import ColumnElement, Float, Numeric, and_, case, cast, false, func, literal, or_, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Text

from metering.events.models import Event

MAX_DEPTH = 5
Property = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class FilterClause(Input):
    """One condition. `property` is `name`, `source`, `timestamp` (seconds since 1970), or a path in the metadata."""

    property: Property
    operator: Literal["eq", "ne", "gt", "gte", "lt", "lte", "like", "not_like"]
    value: (
        Annotated[bool, Field(strict=True)]
        | Annotated[int, Field(strict=True, ge=-INT8, le=INT8)]
        | Annotated[str, StringConstraints(max_length=1000)]
    )


class Filter(Input):
    """Conditions that all, or of which any, must hold."""

    conjunction: Literal["and", "or"]
    clauses: Annotated[list[Union[FilterClause, "Filter"]], Field(max_length=50)]

    def depth(self) -> int:
        """How deep filters are nested in it; 1 without any."""
        return 1 + max((clause.depth() for clause in self.clauses if isinstance(clause, Filter)), default=0)


def matches(rule: Filter) -> ColumnElement[bool]:
    """The condition on `events`; without clauses every event matches."""
    parts = [matches(clause) if isinstance(clause, Filter) else _condition(clause) for clause in rule.clauses]
    if not parts:
        return true()
    return and_(*parts) if rule.conjunction == "and" else or_(*parts)


def path_of(property: str) -> list[str]:
    """Where a property lies in the metadata: `metadata.a.b` and `a.b` are the same."""
    return property.removeprefix("metadata.").split(".")


def value_at(property: str) -> ColumnElement[Any]:
    """A value of an event's metadata, as JSON."""
    return Event.user_metadata.op("#>", return_type=JSONB())(cast(literal(path_of(property), ARRAY(Text)), ARRAY(Text)))


def number_at(property: str) -> ColumnElement[Any]:
    """A number of an event's metadata; null for anything else."""
    found = value_at(property)
    is_number = func.jsonb_typeof(found) == "number"
    return case((is_number, cast(_text(property), Numeric)))


def _text(property: str) -> ColumnElement[Any]:
    return Event.user_metadata.op("#>>", return_type=Text())(cast(literal(path_of(property), ARRAY(Text)), ARRAY(Text)))


def _condition(clause: FilterClause) -> ColumnElement[bool]:
    wanted = clause.value
    if clause.property in ("name", "source"):
        return _compared(getattr(Event, clause.property), clause) if isinstance(wanted, str) else false()
    if clause.property == "timestamp":
        seconds = cast(func.extract("epoch", Event.timestamp), Float)
        is_number = isinstance(wanted, int) and not isinstance(wanted, bool)
        return _compared(seconds, clause) if is_number else false()
    found = value_at(clause.property)
    if clause.operator == "ne":
        return and_(found.is_not(None), found != cast(literal(wanted, JSONB), JSONB))
    if isinstance(wanted, bool):
        return found == cast(literal(wanted, JSONB), JSONB) if clause.operator == "eq" else false()
    if isinstance(wanted, int):
        return func.coalesce(_compared(number_at(clause.property), clause), false())
    texts = case((func.jsonb_typeof(found) == "string", _text(clause.property)))
    return func.coalesce(_compared(texts, clause), false())


def _compared(left: Any, clause: FilterClause) -> Any:
    value = clause.value
    match clause.operator:
        case "eq":
            return left == value
        case "ne":
            return left != value
        case "gt":
            return left > value
        case "gte":
            return left >= value
        case "lt":
            return left < value
        case "lte":
            return left <= value
        case "like":
            return left.contains(value, autoescape=True) if isinstance(value, str) else false()
        case _:
            return ~left.contains(value, autoescape=True) if isinstance(value, str) else false()
