"""How an organization's test clock moves every service: identity says where it stands, each service what that led to.

The clock goes from one instant at which something is due to the next. At each of them identity asks in rounds; a
service answers a round when it has done all that is due, with the events that it recorded and with those that it has
still to handle. Nothing moves on before a round in which nobody had anything left.
"""

from uuid import UUID

from pydantic import Field, StrictBool

from contracts.event import Instant, Shape


class Seen(Shape):
    """An event that was recorded, as its inbox knows it: the source, the id and the routing key."""

    source: str
    id: UUID
    key: str


class ClockMoved(Shape):
    """Where a clock stands, and a question: who has not handled all of `seen` at this instant?"""

    clock_id: UUID
    round: int
    """Rises with every question of this clock."""
    instant: Instant
    seen: list[Seen] = Field(default_factory=list)
    """What was recorded at this instant, as far as identity has heard."""
    is_deleted: StrictBool = False


class ClockReport(Shape):
    """What a service has to say to a round, after it has done all that was due at `instant`."""

    clock_id: UUID
    round: int
    instant: Instant
    recorded: list[Seen]
    """What it recorded for the organization since the clock moved to this instant."""
    unhandled: list[str]
    """What it has not handled yet of the round's `seen`, in words; a few of them."""
    next_due_at: Instant | None
    """When something is due next, after this instant."""
