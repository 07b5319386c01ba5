"""How `./polar test` orders groups: some at a time, and none before what it waits for."""

import threading
import time

import pytest
from polar_cli import testing


class Groups:
    """In the place of groups' processes: notes when each begins and ends."""

    def __init__(self, failing=""):
        self.events = []
        self.at_once = self.most = 0
        self._failing = failing
        self._lock = threading.Lock()

    def run(self, name, path, expression, environment):
        with self._lock:
            self.events.append(f"begin {name}")
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        time.sleep(1 if self._failing not in ("", name) else 0.05)
        if name == self._failing:
            raise KeyboardInterrupt
        with self._lock:
            self.events.append(f"end {name}")
            self.at_once -= 1
        return testing.Outcome(name, 1, 0, 0, 0.05, 0.01, 0, "")

    def order(self, *events):
        places = [self.events.index(event) for event in events]
        return places == sorted(places)


@pytest.fixture
def side_by_side(monkeypatch):
    def run(groups, *names, **options):
        monkeypatch.setattr(testing, "_group", groups.run)
        return testing._side_by_side(names, dict.fromkeys(names), "", {}, **options)

    return run


def test_some_at_a_time_and_none_before_what_it_waits_for(side_by_side):
    groups = Groups()
    names = ("effects", "end_to_end/restarts", "cli", "tax", "schema", "end_to_end", "conformance")
    outcomes = side_by_side(groups, *names, lastly=lambda: groups.events.append("last"))
    assert [outcome.group for outcome in outcomes] == list(names)
    assert groups.most == testing.TOGETHER
    assert groups.order("begin effects", "end end_to_end/restarts")
    for name in ("schema", "end_to_end", "conformance"):
        assert groups.order("end end_to_end/restarts", f"begin {name}")
    assert groups.events.count("last") == 1
    assert any(groups.order(f"end {name}", "last") for name in names), "the last turn is none of the first"


def test_after_an_interrupt_nothing_more_begins(side_by_side):
    groups = Groups(failing="cli")
    with pytest.raises(KeyboardInterrupt):
        side_by_side(
            groups, "cli", "tax", "contracts", "pricing", "security", lastly=lambda: groups.events.append("last")
        )
    assert "last" not in groups.events
    assert "begin security" not in groups.events
