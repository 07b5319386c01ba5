"""What a batch of ten megabytes may cost that is refused: its problems are few, whatever is wrong with it."""

import pytest
from metering.events.schemas import EventsIngest
from pydantic import ValidationError
from servicekit.errors import MAX_PROBLEMS

MANY = 100_000


def event(metadata):
    return {"name": "used", "external_customer_id": "user-1", "metadata": metadata}


def names(length):
    return {str(number).zfill(length): 0 for number in range(MANY)}


LARGEST = {
    "values of no kind": {"events": [event({str(n): [] for n in range(50)}) for _ in range(1000)]},
    "unknown fields of an event": {"events": [{**event({}), **names(6)}]},
    "unknown fields of the batch": {"events": [], **names(6)},
    "long names": {"events": [event({"a": names(41)})]},
    "fields of a cost": {"events": [event({"_cost": names(6)})]},
    "fields of a model": {"events": [event({"_llm": names(6)})]},
    "numbers": {"events": [0] * MANY},
}


@pytest.mark.parametrize("body", LARGEST.values(), ids=LARGEST)
def test_a_batch_has_few_problems(body):
    with pytest.raises(ValidationError) as refused:
        EventsIngest.model_validate(body)
    assert refused.value.error_count() < 300


async def test_bad_events_are_named_until_there_are_enough_problems(client):
    batch = [event({}), event({"": 1}), event({}), *[{"name": ""}] * 60]
    answer = await client.post("/v1/events/ingest", json={"events": batch})
    assert answer.status_code == 422, answer.text
    problems = answer.json()["detail"]
    assert (len(problems), {problem["loc"][2] for problem in problems}) == (MAX_PROBLEMS, {1, *range(3, 52)})
    assert {"loc": ["body", "events", 3, "name"], "msg": "String should have at least 1 character",
            "type": "string_too_short"} in problems  # fmt: skip
