"""The rule that ends an advance, in a network of services whose messages take their time."""

import random
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from identity.test_clocks.rounds import Answer, following, is_quiet

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
Rule = Callable[[Set[UUID], list[Answer]], bool]


def test_the_next_instant_is_the_first_at_which_something_is_due() -> None:
    hours = [None, 3, 1, -1]
    answers = [Answer(frozenset(), False, NOON + timedelta(hours=hour) if hour else None) for hour in hours]
    assert following(NOON, NOON + timedelta(hours=5), answers) == NOON + timedelta(hours=1)
    assert following(NOON, NOON + timedelta(minutes=5), answers) == NOON + timedelta(minutes=5)
    assert following(NOON, NOON + timedelta(hours=5), []) == NOON + timedelta(hours=5)


@dataclass
class Service:
    queue: list[UUID] = field(default_factory=list)
    handled: set[UUID] = field(default_factory=set)
    recorded: list[UUID] = field(default_factory=list)
    due: int = 0


class Network:
    """Services that hear everything of each other; what is handled may be told on, or leave work that is due."""

    def __init__(self, seed: int, events: int) -> None:
        self.random = random.Random(seed)
        self.services = [Service() for _ in range(4)]
        self.left = events
        self.flying: list[tuple[Service, UUID]] = []
        self.record(self.services[0])

    def record(self, service: Service) -> None:
        self.left -= 1
        event = UUID(int=self.random.getrandbits(128))
        service.recorded.append(event)
        self.flying += [(other, event) for other in self.services if other is not service]

    def consequence(self, service: Service) -> None:
        if self.left > 0 and self.random.random() < 0.5:
            if self.random.random() < 0.5:
                service.due += 1
            else:
                self.record(service)

    def elapse(self) -> None:
        """A while in which some messages arrive, in any order, and some are handled."""
        for _ in range(self.random.randrange(4)):
            if self.flying:
                service, event = self.flying.pop(self.random.randrange(len(self.flying)))
                service.queue.append(event)
        for service in self.services:
            while service.queue and self.random.random() < 0.4:
                service.handled.add(service.queue.pop(0))
                self.consequence(service)

    def answer(self, service: Service, seen: Set[UUID]) -> Answer:
        """As the kit answers: what is not handled first, then the work that is due, then what was recorded."""
        unhandled = bool(seen - service.handled - set(service.recorded))
        self.elapse()
        while service.due:
            service.due -= 1
            self.consequence(service)
        return Answer(frozenset(service.recorded), unhandled)

    @property
    def is_done(self) -> bool:
        return not self.flying and not any(service.queue or service.due for service in self.services)

    def run(self, rule: Rule) -> bool:
        """Asks rounds until the rule says that it is quiet. Returns whether it really is."""
        seen: frozenset[UUID] = frozenset()
        for _ in range(1000):
            answers = []
            for service in self.random.sample(self.services, len(self.services)):
                self.elapse()
                answers.append(self.answer(service, seen))
            if rule(seen, answers):
                return self.is_done
            seen = frozenset().union(*(answer.recorded for answer in answers))
        raise AssertionError("it never ends")


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_a_quiet_round_is_the_end(seed: int, events: int) -> None:
    assert Network(seed, events).run(is_quiet)


def test_simpler_rules_would_end_too_early() -> None:
    """So that the test above is known to see it: nothing new since the last round, or nothing unhandled of it."""

    def nothing_new(seen: Set[UUID], answers: list[Answer]) -> bool:
        return all(answer.recorded <= seen for answer in answers)

    def nothing_unhandled(seen: Set[UUID], answers: list[Answer]) -> bool:
        return not any(answer.unhandled for answer in answers)

    for rule in (nothing_new, nothing_unhandled):
        outcomes = {Network(seed, 20).run(rule) for seed in range(200)}
        assert False in outcomes
