"""What is said about test clocks."""

from contracts import identity as contracts
from contracts.test_clocks import ClockMoved
from servicekit import clock
from servicekit.clocks import Clocks

from identity.test_clocks.models import TestClock

clocks = Clocks("identity", contracts.IdentityClockReportedV1)
"""Identity follows clocks like any other service."""


def test_clock_advanced(made: TestClock) -> contracts.TestClockAdvancedV1:
    """Where the clock stands, and the question of its present round."""
    data = {
        "clock_id": made.id,
        "round": made.round,
        "instant": made.present_time,
        "seen": made.seen,
        "is_deleted": made.deleted_at is not None,
    }
    return contracts.TestClockAdvancedV1(
        subject=made.id,
        organization_id=made.organization_id,
        time=clock.wall(),
        data=ClockMoved.model_validate(data),
    )
