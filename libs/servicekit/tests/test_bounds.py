"""What a request may cost follows from its size: bounds before validation, and small refusals."""

import json
import time
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter, ValidationError
from servicekit import bodies
from servicekit.errors import MAX_PROBLEMS
from servicekit.fields import Email, Line, MetadataInput

WIDE = {"text": "n", "metadata": {str(number): [] for number in range(75_000)}}
DEEP: Any = json.loads("[" * 200 + "]" * 200)


@pytest.mark.parametrize("body", [WIDE, {"text": "n", "extra": DEEP}], ids=["wide", "deep"])
async def test_a_body_too_large_inside_is_refused_before_it_is_validated(client: httpx.AsyncClient, body: Any) -> None:
    began = time.process_time()
    answer = await client.post("/v1/notes/", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body"]
    assert len(answer.content) < 1024
    assert time.process_time() - began < 1


async def test_an_answer_names_a_bounded_number_of_problems(client: httpx.AsyncClient) -> None:
    key = "long name of a field " * 400
    answer = await client.post("/v1/notes/", json={"text": "n", "metadata": {f"{key}{n}": [] for n in range(100)}})
    assert answer.status_code == 422
    assert 1 <= len(answer.json()["detail"]) <= MAX_PROBLEMS
    assert len(answer.content) < 64 * 1024


def test_an_object_is_counted_before_its_entries_are_validated() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(MetadataInput).validate_python({str(number): [] for number in range(51)})
    assert [problem["type"] for problem in refused.value.errors()] == ["too_long"]


def test_ordinary_bodies_are_not_parsed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies.json, "loads", lambda body: pytest.fail("parsed"))
    assert bodies.problem_of(json.dumps({"a": list(range(500)), "b": {"c": "," * 5000}}).encode(), 2**20) is None


@pytest.mark.parametrize(
    "text", [",[{" * 100_000, '\\",' * 100_000, "," * 50_000 + '"' * 50_000 + "\\", "é,\n" * 50_000]
)
def test_text_with_many_commas_is_not_too_large(text: str) -> None:
    for body in ({"a": text}, [text, 1, text], {text: text}):
        assert bodies.problem_of(json.dumps(body).encode(), 2**20) is None
        assert bodies.problem_of(json.dumps(body, ensure_ascii=False).encode(), 2**20) is None


@pytest.mark.parametrize("value", [b"0", b'""', b"{}", b'{"a":0}', b'"\\\\"', b'"\\"a"'])
def test_a_body_with_too_many_values_for_certain_is_not_parsed(monkeypatch: pytest.MonkeyPatch, value: bytes) -> None:
    monkeypatch.setattr(bodies.json, "loads", lambda body: pytest.fail("parsed"))
    body = b"[" + b",".join([value] * 500_000) + b"]"
    assert bodies.problem_of(body, 10 * 2**20) == "may hold at most 104857 values"


async def test_a_list_takes_ten_metadata_filters(client: httpx.AsyncClient) -> None:
    few = "&".join(f"metadata[k{n}]=v" for n in range(10))
    assert (await client.get(f"/v1/notes/?{few}")).status_code == 200
    for many in (f"{few}&metadata[one]=more", "&".join(f"metadata[k]={n}" for n in range(11))):
        answer = await client.get(f"/v1/notes/?{many}")
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "metadata"])


@pytest.mark.parametrize("address", ["a@[b.de", "a\x1c@b.cc", "a@b.c]c", "a b@c.de", "a@b", 'a"@b.de', "a@b.cc\n.de"])
def test_addresses_that_no_header_can_hold_are_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Email).validate_python(address)


@pytest.mark.parametrize("address", ["\u212a@b.de", "info@\u0130.de", "\u2126@b.de", "STRA\u1e9eE@b.de"])
def test_letters_that_the_database_takes_for_others_are_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Email).validate_python(address)


def test_capital_letters_of_one_lower_case_are_taken() -> None:
    for address in ("Ada.Österreich@Example.com", "straße@b.de", "ΩΜΈΓΑ@b.gr", "ИВАН@пример.рф"):
        assert TypeAdapter(Email).validate_python(address) == address


async def test_unknown_names_of_a_query_are_not_all_repeated(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/notes/?{'&'.join(f'u{number}=' for number in range(1_200))}")
    assert answer.status_code == 422
    assert 1 <= len(answer.json()["detail"]) <= MAX_PROBLEMS
    assert len(answer.content) < 64 * 1024


def test_a_name_is_one_line() -> None:
    for name in ("Evil\nBcc: x@y.example", "a\x00b", "a\u2028b", "a\x1bb"):
        with pytest.raises(ValidationError):
            TypeAdapter(Line).validate_python(name)
    assert TypeAdapter(Line).validate_python("  Österreich, 日本 & Söhne ") == "Österreich, 日本 & Söhne"
