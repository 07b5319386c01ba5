"""Telemetry: what waits is counted, traces are handed on, and what is no trace is not."""

from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.trace import SpanKind
from servicekit import clock, ids, outbox, telemetry
from servicekit.backlogs import Backlog, Backlogs
from servicekit.database import Database

SAMPLED = f"00-{'a' * 32}-{'b' * 16}-01"


async def test_backlogs_say_how_much_waits_and_for_how_long(
    database: Database, organization_event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = Backlog("future", "select count(*), min(now_is) from (select cast(:now as timestamptz) as now_is) rows")
    backlogs = Backlogs([future])
    await backlogs.look(database.transaction)
    idle = dict.fromkeys(("outbox", "retries", "left_to_newer"), (0, 0.0))
    assert dict(backlogs._stood) == {**idle, "future": (1, 0.0)}
    async with database.transaction() as session:
        outbox.record(session, organization_event(subject=ids.uuid7()), organization_event(subject=ids.uuid7()))
    later = clock.now() + timedelta(minutes=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    await backlogs.look(database.transaction)
    waiting, lag = backlogs._stood["outbox"]
    assert waiting == 2
    assert lag == pytest.approx(300, abs=10)


@pytest.mark.parametrize(
    "given", [None, "", "polar_oat_secret", SAMPLED[:-1], SAMPLED + "x", SAMPLED.upper(), "x" * 5000]
)
def test_what_is_no_trace_is_replaced_by_one_that_nobody_records(given: str | None) -> None:
    with telemetry.span("request", SpanKind.SERVER, parent=given):
        present = telemetry.traceparent()
    assert present is not None
    assert present.endswith("-00")
    assert present != given
    assert telemetry.traceparent() is None


def test_a_trace_is_handed_on_where_nothing_is_exported() -> None:
    with telemetry.span("request", SpanKind.SERVER, parent=SAMPLED):
        assert telemetry.traceparent() == SAMPLED
        with telemetry.span("inside"):
            assert telemetry.traceparent() == SAMPLED
