"""Every table of the service, for Alembic."""

from metering.customers.models import Customer
from metering.event_types.models import EventTally, EventType
from metering.events.models import Event
from metering.meters.models import Meter

__all__ = ["Customer", "Event", "EventTally", "EventType", "Meter"]
