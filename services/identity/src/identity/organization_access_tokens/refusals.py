"""How many tokens of each client address were refused lately: whoever makes tokens up is soon looked up no more.

Kept in this process's memory, so that an attacker's requests cost next to nothing; each process counts its own.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from servicekit import clock
from servicekit.addresses import HOLDING, counted

MOST = 300
"""Refused tokens of one address at once. A company's browsers share one, and their sessions may end together."""
FORGOTTEN_PER_SECOND = 5.0
REMEMBERED = 2 * MOST
"""No address is remembered for more: it is looked up again a minute after the last refusal."""
PER_NETWORK = 10
"""So much more an IPv6 network of 48 bits may have, all of whose addresses one customer of a provider may use."""
ADDRESSES = 10_000


@dataclass
class _Level:
    count: float
    at: datetime


class Refusals:
    """Levels that rise with each refusal and fall with time; the addresses refused longest ago are forgotten first."""

    def __init__(self) -> None:
        self._levels: OrderedDict[str, _Level] = OrderedDict()

    def is_above(self, address: str | None) -> bool:
        """Whether an address had too many tokens refused. One that is not public is not counted; see `counted`."""
        return any(self._now(name) + 1 > most for name, most in _names(address))

    def add(self, address: str | None) -> None:
        """Counts a refused token."""
        for name, most in _names(address):
            level = min(self._now(name) + 1, REMEMBERED / MOST * most)
            self._levels[name] = _Level(level, clock.wall())
            self._levels.move_to_end(name)
        while len(self._levels) > ADDRESSES:
            self._levels.popitem(last=False)

    def _now(self, name: str) -> float:
        level = self._levels.get(name)
        if level is None:
            return 0.0
        return max(0.0, level.count - FORGOTTEN_PER_SECOND * (clock.wall() - level.at).total_seconds())


def _names(address: str | None) -> list[tuple[str, int]]:
    one, holding = counted(address), counted(address, HOLDING)
    named = [(one, MOST)] if one is not None else []
    return [*named, (holding, PER_NETWORK * MOST)] if holding is not None and holding != one else named
