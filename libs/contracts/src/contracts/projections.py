"""How copies of a resource are kept equal to their owner's: digests out, drift back, and what differs told again.

The owner says every few minutes what it has, as a digest. Who keeps a copy compares it with its own, and where a range
differs says what it has there. The owner answers with the latest event of each resource that differs, as it was said
before. All three are events like any others; they concern every tenant, so their `organizationid` is nil.
"""

from uuid import UUID

from contracts.event import Instant, Shape


class Range(Shape):
    """The resources from the id `first` up to the next range's: how many, and a sum over their ids and sequences."""

    first: UUID
    count: int
    checksum: str


class Digest(Shape):
    """What an owner has, without what changed a moment ago (`recent`), whose news may still be on its way."""

    ranges: list[Range]
    """In the order of ids; the first one begins at the nil id, the last one has no end."""
    recent: list[UUID]
    settled_at: Instant | None = None
    """What changed after this instant is not in the ranges. None: said by a release that did not tell."""


class Copy(Shape):
    """A copy: the `sequence` of the event that wrote it, or -1 when it is not what that event wrote."""

    id: UUID
    sequence: int


class Drift(Shape):
    """What the copies of `queue` are in a range whose digest differs; without a range, a wish for a digest now."""

    resource: str
    queue: str
    first: UUID | None
    until: UUID | None
    """The id where the next range begins; None: the range has no end."""
    copies: list[Copy]
    settled_at: Instant | None = None
    """The digest's: what changed since is on its way to `queue`, however long that takes, and is no drift."""


class Replay(Shape):
    """The answer to the copies of `queue`: the latest events of what differs, and what the owner does not know.

    With neither, the range only seemed to differ: its copies are ahead of the digest, or their news is on its way.
    """

    queue: str
    events: list[str]
    """CloudEvents, as they were said."""
    unknown: list[UUID]
