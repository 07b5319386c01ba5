"""How quickly edits are worked off: as long as purchases do not come late.

Every grant is told of, and several services do something about it: what a purchase says has to wait behind that, most
of all in billing. No service can ask another how much it has to do, but here is where a purchase ends: how long its
event was on its way says whether there is room for more.
"""

import time

LATE, EARLY = 0.25, 0.12
"""Seconds from an event's record to its handler: above the first there is too much to do, below the second, room."""
CAREFUL, SLOWEST = 8.0, 64.0
LONGEST_REST = 3.0
FORGOTTEN = 10.0
"""Seconds without a purchase, after which nobody is waited for."""


class Pace:
    """Rests between two shares of work, as a multiple of what the share took: one at least."""

    def __init__(self) -> None:
        self._times = CAREFUL
        self._seen_at = float("-inf")

    def saw(self, seconds: float) -> None:
        """A purchase's event was so long on its way. Rests double while they are late, and shrink by a tenth each."""
        self._seen_at = time.monotonic()
        if seconds > LATE:
            self._times = min(self._times * 2, SLOWEST)
        elif seconds < EARLY:
            self._times = max(self._times * 0.9, 1.0)

    def rest(self, worked: float) -> float:
        """Seconds to rest after a share that took `worked` seconds."""
        if time.monotonic() - self._seen_at > FORGOTTEN:
            self._times = CAREFUL
            return min(worked, LONGEST_REST)
        return min(worked * self._times, LONGEST_REST)


pace = Pace()
"""Of this process."""
