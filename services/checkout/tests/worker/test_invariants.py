"""The queries of the invariants run on the service's own tables, and hold when there is nothing."""

from checkout.invariants import INVARIANTS
from servicekit.invariants import Invariants


async def test_they_hold_on_empty_tables(database):
    invariants = Invariants(INVARIANTS)
    await invariants.check(database.transaction)
    shown = invariants.shown()
    assert shown["status"] == "ok"
    assert len(shown["invariants"]) > len(INVARIANTS)
