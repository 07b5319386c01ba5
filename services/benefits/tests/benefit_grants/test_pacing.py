"""How quickly edits are worked off, by how late purchases come."""

import pytest
from benefits.benefit_grants import pacing
from benefits.benefit_grants.pacing import CAREFUL, EARLY, FORGOTTEN, LATE, LONGEST_REST, SLOWEST, Pace


@pytest.fixture
def now(monkeypatch):
    instants = [1000.0]
    monkeypatch.setattr(pacing.time, "monotonic", lambda: instants[-1])
    return instants


def test_without_purchases_it_rests_as_long_as_it_works(now):
    assert Pace().rest(0.2) == 0.2
    assert Pace().rest(60) == LONGEST_REST


def test_it_begins_carefully_slows_down_for_late_purchases_and_speeds_up_again(now):
    pace = Pace()
    pace.saw((EARLY + LATE) / 2)
    assert pace.rest(0.01) == pytest.approx(0.01 * CAREFUL)
    pace.saw(LATE * 1.1)
    assert pace.rest(0.01) == pytest.approx(0.02 * CAREFUL)
    for _ in range(20):
        pace.saw(LATE * 10)
    assert pace.rest(0.01) == pytest.approx(0.01 * SLOWEST)
    assert pace.rest(1.0) == LONGEST_REST
    for _ in range(100):
        pace.saw(EARLY / 2)
    assert pace.rest(0.01) == pytest.approx(0.01)


def test_purchases_long_ago_are_waited_for_no_more(now):
    pace = Pace()
    pace.saw(LATE * 10)
    now.append(now[-1] + FORGOTTEN + 1)
    assert pace.rest(0.01) == pytest.approx(0.01)
    pace.saw((EARLY + LATE) / 2)
    assert pace.rest(0.01) == pytest.approx(0.01 * CAREFUL)
