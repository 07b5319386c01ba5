"""The queries of the invariants run on the service's own tables, and hold when there is nothing."""

import pytest
from benefits.invariants import INVARIANTS
from servicekit.invariants import Invariants
from sqlalchemy import text


async def test_they_hold_on_empty_tables(database):
    invariants = Invariants(INVARIANTS)
    await invariants.check(database.transaction)
    shown = invariants.shown()
    assert shown["status"] == "ok"
    assert len(shown["invariants"]) > len(INVARIANTS)


FAULTS = {
    "a held grant has an entitlement that lives": "update entitlements set is_active = false",
    "what is owed is held, is being given, or could not be given":
        "update benefit_grants set granted_at = null, revoked_at = now()",
    "benefits of a payment that is missing end with the grace period":
        "update entitlements set past_due_at = now() - interval '3 days', revoke_at = null",
}  # fmt: skip


@pytest.mark.parametrize(("name", "fault"), FAULTS.items())
async def test_they_name_what_was_bent(story, database, name, fault):
    await story.subscribed(await story.product(await story.benefit()))
    await check(database, set())
    async with database.transaction() as session:
        await session.execute(text("delete from product_changes"))
        await session.execute(text(fault))
    await check(database, {name})


async def check(database, broken):
    invariants = Invariants(INVARIANTS)
    await invariants.check(database.transaction)
    own = {one.name for one in INVARIANTS}
    assert {one for one, state in invariants.states.items() if not state.holds} & own == broken
