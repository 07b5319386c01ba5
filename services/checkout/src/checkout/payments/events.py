"""What is said about call-backs of the processor that are not about payments of checkouts."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.event import NIL
from contracts.processor_events import ProcessorEvent, ProcessorEventReceivedV1
from servicekit import ids


def processor_event(event: dict[str, Any]) -> ProcessorEventReceivedV1:
    """A call-back (Stripe's event as a dictionary) for whom it concerns."""
    said: dict[str, Any] = event["data"]["object"]
    data = ProcessorEvent(
        id=event["id"],
        processor="stripe",
        type=event["type"],
        object=said,
        created_at=datetime.fromtimestamp(event["created"], UTC),
    )
    return ProcessorEventReceivedV1(
        subject=ids.uuid7(), organization_id=_organization_of(said), time=data.created_at, data=data
    )


def _organization_of(said: dict[str, Any]) -> UUID:
    try:
        return UUID((said.get("metadata") or {}).get("organization_id", ""))
    except ValueError:
        return NIL
