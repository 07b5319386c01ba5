"""What a request may carry: a parameter or a field of the body that is not declared is refused with 422, by its name.

A filter or a term that is dropped without a word is worse than a refusal: the caller believes that it holds. Parameters
are checked by `EdgeRoute` against what the route declares; the models of a body derive from `Input`, and a route with
another one does not start.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, NoReturn, cast, get_args

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from servicekit.errors import InvalidInput


def _whole(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "Input should be a valid number")
    return value


_CHECKS: dict[Any, Callable[[Any], Any]] = {"int": _whole, "float": _number}


def _guarded(schema: Any) -> Any:
    """A core schema, or a part of one, with a check before each number."""
    if isinstance(schema, list | tuple):
        return type(schema)(_guarded(part) for part in schema)
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if not isinstance(kind, str):  # the fields of a model by their names
        return {name: _guarded(part) for name, part in schema.items()}
    if kind == "function-before" and schema["function"]["function"] in _CHECKS.values():
        return schema  # of a model inside of this one, which is guarded already
    if kind in _CHECKS and not schema.get("strict"):
        return core_schema.no_info_before_validator_function(_CHECKS[kind], cast(CoreSchema, schema))
    return {name: part if name == "metadata" else _guarded(part) for name, part in schema.items()}


class Input(BaseModel):
    """Base of every model that a body consists of: refuses unknown fields, and what only looks like a number.

    `true` is no number and `"3"` no integer: in a number of seats or an amount they would move money nobody meant to
    move. An amount with fractions may be a string, which keeps its digits.
    """

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema with each number behind a check of what was sent."""
        guarded: CoreSchema = _guarded(handler(source))
        return guarded


def ensure_one_form(model: BaseModel, *names: str) -> None:
    """For fields that say one thing in several forms: at most one of them has a value; null has none.

    Raises `ValidationError` naming the next one, since neither may be dropped without a word.
    """
    given = [name for name in names if model.__dict__[name] is not None]
    if len(given) > 1:
        refuse_field(model, given[1], f"Either {' or '.join(given)}")


def refuse_field(model: BaseModel, name: str, message: str) -> NoReturn:
    """What a validator of a whole model says of one of its fields. Raises `ValidationError` naming it."""
    problem = PydanticCustomError("value_error", message)
    details = InitErrorDetails(type=problem, loc=(name,), input=model.__dict__[name])
    raise ValidationError.from_exception_data(type(model).__name__, [details])


Ignored = Annotated[
    Any,
    Field(deprecated=True, exclude=True, description="Of earlier clients. It has no meaning any more and is ignored."),
]
"""A field that published clients still send though its meaning is gone: `name: Ignored = None` accepts and drops it."""


IgnoredQuery = Annotated[
    list[str] | None,
    Query(deprecated=True, description="Of earlier clients. It has no meaning any more and is ignored."),
]
"""A parameter that published clients still send though its meaning is gone: `name: IgnoredQuery = None`."""


def _false(value: bool) -> bool:
    if value:
        raise ValueError("is not built")
    return value


NotBuilt = Annotated[bool, AfterValidator(_false), Field(description="Not built: only `false` is accepted.")]
"""A choice that published clients always send, of which only the default is there: `true` is refused."""


class UnknownInput(InvalidInput):
    """A request carries what its route does not declare; every unknown name is in the list of problems."""

    def __init__(self, part: str, names: Sequence[str]) -> None:
        super().__init__((part, names[0]), "Extra inputs are not permitted")
        self.problems = [
            {"loc": [part, name], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"} for name in names
        ]


class _ForeignQuery:
    """Takes every parameter; see `ForeignQuery`."""

    query_names = re.compile(r".*", re.DOTALL)

    async def __call__(self, request: Request) -> list[tuple[str, str]]:
        return request.query_params.multi_items()


class _RawBody:
    """Takes any body; see `RawBody`."""

    takes_body = True

    async def __call__(self, request: Request) -> bytes:
        return await request.body()


ForeignQuery = Annotated[list[tuple[str, str]], Depends(_ForeignQuery())]
"""All parameters of a request whose sender adds names of its own: a call-back, or a page that forwards them."""
RawBody = Annotated[bytes, Depends(_RawBody())]
"""The bytes of a body that is not ours to describe: a call-back, or a file."""


class Declared:
    """What a route declares, found once when it is added."""

    def __init__(self, dependant: Dependant, name: str) -> None:
        parts = list(parts_of(dependant))
        calls: list[Any] = [part.call for part in parts]
        self._names = frozenset(parameter.alias for part in parts for parameter in part.query_params)
        self._patterns = tuple(call.query_names for call in calls if hasattr(call, "query_names"))
        bodies = [body for part in parts for body in part.body_params]
        self._takes_body = bool(bodies) or any(getattr(call, "takes_body", False) for call in calls)
        for body in bodies:
            for model in _models(body.field_info.annotation, set()):
                if model.model_config.get("extra") != "forbid":
                    raise TypeError(f"{name}: {model.__name__} drops unknown fields; derive it from {Input.__name__}")

    def check_query(self, request: Request) -> None:
        """Raises `UnknownInput` where the query has a name that the route does not declare."""
        unknown = [
            name
            for name in request.query_params
            if name not in self._names and not any(pattern.fullmatch(name) for pattern in self._patterns)
        ]
        if unknown:
            raise UnknownInput("query", unknown)

    async def check_body(self, request: Request) -> None:
        """Raises `InvalidInput` where a route without a body is given one that says anything."""
        if self._takes_body or not (body := await request.body()).strip():
            return
        try:
            fields = json.loads(body)
        except (ValueError, RecursionError):
            raise InvalidInput(("body",), "This operation takes no body") from None
        if isinstance(fields, dict) and fields:
            raise UnknownInput("body", [str(name) for name in fields])
        if fields:
            raise InvalidInput(("body",), "This operation takes no body")


def parts_of(dependant: Dependant) -> Iterator[Dependant]:
    """A route's own dependant and those that it depends on."""
    yield dependant
    for inner in dependant.dependencies:
        yield from parts_of(inner)


def _models(annotation: Any, seen: set[Any]) -> Iterator[type[BaseModel]]:
    """Every model that a type consists of, however deep."""
    annotation = getattr(annotation, "__value__", annotation)  # of a `type` statement
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation in seen:
            return
        seen.add(annotation)
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation, seen)
    for part in get_args(annotation):
        yield from _models(part, seen)
