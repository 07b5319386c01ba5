"""What goes wrong when: drawn from a seed, so that the same seed is the same plan."""

from dataclasses import dataclass
from random import Random

from polar_cli.state import SERVICES

PARTS = (
    *(f"{service}.api" for service in SERVICES),
    *(f"{service}.worker" for service in SERVICES),
    *(f"{service}.worker.2" for service in SERVICES),
    "rabbitmq",
    "postgres",
    "gateway",
    "stripe",
)
HEAVY = ("rabbitmq", "postgres")
"""Killed more often than the others: everything leans on them."""


@dataclass(frozen=True)
class Trouble:
    """One thing that goes wrong: `kind` is kill, stop, drop, delay, redeliver or poison. Times are seconds."""

    at: float
    kind: str
    part: str
    seconds: float = 0.0
    """For how long it lasts; a killed part is started again at once."""


def draw(seed: int, seconds: float, only: tuple[str, ...] = ()) -> list[Trouble]:
    """The plan of a run of so many seconds: a kill about every eleven, and between them the other troubles.

    Every part is killed before any is killed again. `only` narrows the parts.
    """
    random = Random(seed)
    chosen = [part for part in PARTS if not only or part in only or part.partition(".")[0] in only]
    plan: list[Trouble] = []
    waiting: list[str] = []
    at = random.uniform(4, 8)
    while at < seconds - 5 and chosen:
        if not waiting:
            waiting = [*chosen, *(part for part in HEAVY if part in chosen)]
            random.shuffle(waiting)
        plan.append(Trouble(at, "kill", waiting.pop()))
        at += random.uniform(7, 15)
    for start in range(10, int(seconds), 40):
        plan.append(Trouble(start + random.uniform(0, 8), "redeliver", "rabbitmq"))
    if not only:
        # The broker is stopped for a tenth of the run: a minute of ten.
        plan.append(Trouble(random.uniform(0.3, 0.6) * seconds, "stop", "rabbitmq", seconds / 10))
        for start in range(20, int(seconds) - 10, 30):
            part = random.choice(HEAVY)
            kind = random.choice(("drop", "delay"))
            plan.append(Trouble(start + random.uniform(0, 10), kind, part, random.uniform(1, 4)))
        plan.append(Trouble(random.uniform(0.1, 0.9) * seconds, "poison", "rabbitmq"))
    return sorted(plan, key=lambda trouble: trouble.at)
