"""What the payment processor says, as the checkout service, whom it calls back, passes it on."""

from typing import Annotated, Any, ClassVar

from contracts.event import Event, Instant, OneOf, Shape


class ProcessorEvent(Shape):
    """A call-back of the payment processor, as it came: its own type and object."""

    id: str
    """The processor's own; each is told once."""
    processor: Annotated[str, OneOf("stripe")]
    type: str
    """In the processor's words: `payment_intent.succeeded`, `charge.dispute.created`."""
    object: dict[str, Any]
    created_at: Instant


class ProcessorEventReceivedV1(Event[ProcessorEvent]):
    """The processor called back about something that is not a payment of a checkout.

    The organization is the one that the object names in its metadata, or nil where it names none.
    """

    name: ClassVar[str] = "processor_event.received"
    source: ClassVar[str] = "/checkout"
    public: ClassVar[bool] = False
