"""The bytes that an endpoint is sent, made once when an event is announced: they never change afterwards.

Raw endpoints get the resource as the SDKs of the endpoint's API version know it; endpoints of Discord and Slack get a
message that a person reads.
"""

import json
from collections.abc import Iterator
from typing import Any

from contracts.event import Event
from servicekit import clock

from webhooks.events import chat


def body(event: Event[Any], api_version: str, name: str, format: str, *, is_test: bool = False) -> bytes:
    """What is signed and sent. `name` is the event's as the endpoint asked for it (`benefit.granted` is an alias)."""
    if format != "raw":
        return chat.body(event, name, format, is_test=is_test)
    data = event.data.model_dump_json()
    if api_version == "2027-01" and '"seat_based"' in data:
        shape = json.loads(data)
        _with_seat_tiers_of_2027_01(shape)
        data = json.dumps(shape, separators=(",", ":"), ensure_ascii=False)
    extra = _extra(event)
    if extra:
        data = f"{data[:-1]},{json.dumps(extra, separators=(',', ':'))[1:]}"
    said = f',"timestamp":"{clock.rfc3339(event.time)}","api_version":"{api_version}"'
    mark = ',"is_test":true' if is_test else ""
    return f'{{"type":"{name}"{said}{mark},"data":{data}}}'.encode()


def _extra(event: Event[Any]) -> dict[str, Any]:
    """The few keys of the documented API that the SDKs' shapes lack."""
    if event.name.startswith("order."):
        return {"amount": event.data.net_amount}
    if event.name.startswith("subscription."):
        return {"price_id": str(event.data.prices[0].id) if event.data.prices else None}
    return {}


def _with_seat_tiers_of_2027_01(shape: Any) -> None:
    """Since 2027-01 seats are priced by `tiers` like units; the earlier `seat_tiers` stays beside them."""
    for price in _seat_prices(shape):
        seats = price["seat_tiers"]
        tiers = [
            {"bound": tier.get("max_seats"), "unit_amount": str(tier["price_per_seat"])} for tier in seats["tiers"]
        ]
        price["tiers"] = {"type": seats.get("seat_tier_type") or "volume", "tiers": tiers}
        price["minimum_units"], price["maximum_units"] = seats.get("minimum_seats"), seats.get("maximum_seats")


def _seat_prices(shape: Any) -> Iterator[dict[str, Any]]:
    if isinstance(shape, dict):
        if shape.get("amount_type") == "seat_based" and shape.get("seat_tiers"):
            yield shape
        for value in shape.values():
            yield from _seat_prices(value)
    elif isinstance(shape, list):
        for value in shape:
            yield from _seat_prices(value)
