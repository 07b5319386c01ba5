"""The reference model beside billing, step by step: 30 steps in each shop, compared after every one of them.

Twenty shops live in one database at once. The sequences are the same in each run; `./polar model` draws others.
"""

import os
from collections import Counter

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from tests.model.driver import coverage
from tests.model.driver.run import WAITS, Runner, caller, script, shortened, standing
from tests.model.driver.world import VERBS

TOGETHER, STEPS = 20, 30
EXAMPLES = int(os.environ.get("POLAR_MODEL_EXAMPLES", "3"))
NUMBER = st.binary(min_size=5, max_size=5).map(lambda drawn: int.from_bytes(drawn))
SEQUENCE = st.lists(st.tuples(st.sampled_from(VERBS), NUMBER), min_size=STEPS, max_size=STEPS)
seen = Counter()
found = []
"""The first difference, as a script that shows it; or what is wrong with the books."""


@given(
    waits=st.lists(st.sampled_from(WAITS), min_size=STEPS, max_size=STEPS),
    steps=st.lists(SEQUENCE, min_size=TOGETHER, max_size=TOGETHER),
)
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
async def test_the_sequences_run(app, bus, waits, steps):
    """What differs is told by the next test: here hypothesis would run it again, and print all that it drew."""
    assume(not found)
    assume(len({verb for sequence in steps for verb, _ in sequence}) > len(set(VERBS)) // 2)
    async with caller(app) as client:
        runner = Runner(app, client, bus)
        with standing(runner):
            worlds = await runner.open(TOGETHER)
            await runner.run(waits, steps)
            books = await runner.finish()
            for world in worlds:
                seen.update(coverage.of(world))
                seen["run", "sequences"] += 1
                seen["run", "steps"] += len(world.acts)
            if failed := next((world for world in worlds if world.failure), None):
                acts, lines = await shortened(runner, failed.acts)
                found.append(script(acts, lines or ["(only beside the other shops)", *failed.failure]))
            found.extend(books)


def test_model_and_product_agree():
    assert not found, "\n".join(found)


def test_the_sequences_did_something():
    """They reach every change mode with every price kind, and every end, and are refused for many reasons."""
    assert seen["run", "sequences"] >= EXAMPLES * TOGETHER
    reached = {f"{group}: {name}" for group, name in seen}
    wanted = {
        *(f"change: {behavior} of product, {kind}" for behavior in ("invoice", "prorate", "next_period", "reset")
          for kind in ("fixed", "seat_based", "unit_based")),
        *(f"change: {behavior} of quantity, {kind}" for behavior in ("invoice", "prorate", "next_period", "reset")
          for kind in ("seat_based", "unit_based")),
        *(f"ending: {how}" for how in ("with its period", "revoked", "dunning gave up", "a dispute was lost")),
        *(f"refused: {why}" for why in ("change: PaymentFailed", "change: AlreadyCanceledSubscription",
                                        "refund: DisputedOrder", "refund: RefundedAlready")),
        "balance: pays", "balance: is collected or kept", "dunning: recovered", "order: with credit", "trial: over",
    }  # fmt: skip
    assert wanted <= reached, "\n".join([str(wanted - reached), *coverage.table(seen)])
