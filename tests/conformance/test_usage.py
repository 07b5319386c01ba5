"""Usage events, their types, and meters."""

from collections.abc import Callable
from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import ResourceNotFound

operation = pytest.mark.operation
ALL = {"conjunction": "and", "clauses": [{"property": "name", "operator": "eq", "value": "sdk.call"}]}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def ingested(polar: Polar) -> Any:
    """Three events of a customer whom only the merchant knows."""
    events = [
        {
            "name": "sdk.call",
            "external_customer_id": "sdk-user",
            "external_id": f"sdk-{number}",
            "metadata": {"tokens": number, "_cost": {"amount": 0.5, "currency": "usd"}},
        }
        for number in range(3)
    ]
    return polar.events.ingest(events=events)


@operation("events.ingest")
def test_ingest(polar: Polar, ingested: Any) -> None:
    assert (ingested.inserted, ingested.duplicates) == (3, 0)
    again = polar.events.ingest(events=[{"name": "sdk.call", "external_customer_id": "u", "external_id": "sdk-1"}])
    assert (again.inserted, again.duplicates) == (0, 1)


@operation("events.list")
@pytest.mark.usefixtures("ingested")
def test_list_events(polar: Polar) -> None:
    page = polar.events.list(name="sdk.call", external_customer_id="sdk-user", metadata={"tokens": "2"})
    assert [event.metadata["tokens"] for event in page.items] == [2]


@operation("events.get")
@pytest.mark.usefixtures("ingested")
def test_get_an_event(polar: Polar) -> None:
    (event, *_) = polar.events.list(name="sdk.call").items
    assert polar.events.get(event.id).name == "sdk.call"
    with pytest.raises(ResourceNotFound):
        polar.events.get(UNKNOWN)


@operation("events.list_names")
@pytest.mark.usefixtures("ingested")
def test_list_names(polar: Polar) -> None:
    (found,) = polar.events.list_names(query="sdk.ca").items
    assert (found.name, found.occurrences, found.source) == ("sdk.call", 3, "user")


@operation("event_types.list")
@pytest.mark.usefixtures("ingested")
def test_list_types(polar: Polar) -> None:
    assert "sdk.call" in [found.name for found in polar.event_types.list(limit=100).items]


@operation("event_types.update")
@pytest.mark.usefixtures("ingested")
def test_label_a_type(polar: Polar) -> None:
    (found,) = polar.event_types.list(query="sdk.call").items
    assert polar.event_types.update(found.id, label="A call").label == "A call"


@pytest.fixture(scope="module")
def meter(polar: Polar) -> Any:
    """Counts tokens."""
    return polar.meters.create(name="Tokens", filter=ALL, aggregation={"func": "sum", "property": "tokens"})


@operation("meters.create")
def test_create_a_meter(meter: Any) -> None:
    assert (meter.name, meter.aggregation.func) == ("Tokens", "sum")


@operation("meters.list")
def test_list_meters(polar: Polar, meter: Any) -> None:
    assert meter.id in [found.id for found in polar.meters.list(query="oken").items]


@operation("meters.get")
def test_get_a_meter(polar: Polar, meter: Any) -> None:
    assert polar.meters.get(meter.id).filter.clauses[0].value == "sdk.call"


@operation("meters.update")
def test_update_a_meter(polar: Polar) -> None:
    made = polar.meters.create(name="Before", filter=ALL, aggregation={"func": "count"})
    assert polar.meters.update(made.id, name="After", is_archived=True).name == "After"


@operation("meters.quantities")
@pytest.mark.usefixtures("ingested")
def test_count_with_a_meter(polar: Polar, meter: Any) -> None:
    found = polar.meters.quantities(
        meter.id, start_timestamp="2026-01-01T00:00:00Z", end_timestamp="2028-01-01T00:00:00Z", interval="month"
    )
    assert (found.total, len(found.quantities)) == (3.0, 24)


def test_a_metered_price_shows_its_meter(polar: Polar, meter: Any, until: Callable[..., Any]) -> None:
    price = {"amount_type": "metered_unit", "meter_id": meter.id, "unit_amount": "0.5"}
    made = until(lambda: polar.products.create(name="Metered", recurring_interval="month", prices=[price]))
    assert (made.prices[0].meter.name, made.prices[0].unit_amount) == ("Tokens", "0.5")
