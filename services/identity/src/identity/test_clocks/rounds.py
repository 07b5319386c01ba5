"""The rule by which a clock goes on: when is everything that an instant leads to done?

A round tells the services which events identity has heard of (`seen`). Each answers after it looked up which of them it
has not handled, then did all that was due, then looked up what it has recorded. The round is quiet when all of `seen`
is handled everywhere and nobody recorded anything else. Then nothing is left: of the events recorded after their
service's answer, take the first. It was recorded because of another event, or because of work that was due. The other
event was not among the seen, or it would have been handled before the answer; so it was recorded after its own
service's answer too, and earlier, against the choice. Work that was due was left by an event, with the same end, or
was there before the answer and was done.

A single count, or "nobody has anything to do", would not do: an event may be between two services while each is asked.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Answer:
    """A service's answer to a round."""

    recorded: frozenset[UUID]
    unhandled: bool
    next_due_at: datetime | None = None


def is_quiet(seen: Set[UUID], answers: Iterable[Answer]) -> bool:
    """Whether everything is done at the round's instant; `answers` are those of all services."""
    return all(not answer.unhandled and answer.recorded <= seen for answer in answers)


def following(present: datetime, target: datetime, answers: Iterable[Answer]) -> datetime:
    """The instant to stand at next: the first at which something is due, and at most the target."""
    due = [answer.next_due_at for answer in answers if answer.next_due_at is not None and answer.next_due_at > present]
    return min([*due, target])
