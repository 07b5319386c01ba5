"""New sequences for as long as is wanted, or one script again: `./polar model` runs this.

It prints each difference as a script, and at the end the steps run and what they reached.
"""

import os
import random
import runpy
import sys
import time
from collections import Counter

from tests.model.driver import coverage
from tests.model.driver.run import WAITS, Runner, caller, replay, script, shortened, standing
from tests.model.driver.world import VERBS

TOGETHER, STEPS = 20, 30
MOST = 10
"""After so many differences a run ends: more are more of the same."""


def say(text):
    """Prints at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def drawn(seed):
    """Waits and steps of one round."""
    rng = random.Random(seed)
    waits = [rng.choice(WAITS) for _ in range(STEPS)]
    return waits, [[(rng.choice(VERBS), rng.getrandbits(40)) for _ in range(STEPS)] for _ in range(TOGETHER)]


async def test_explore(app, bus):
    async with caller(app) as client:
        runner = Runner(app, client, bus)
        with standing(runner):
            if path := os.environ.get("POLAR_MODEL_SCRIPT"):
                acts = runpy.run_path(path)["ACTS"]
                lines = await replay(runner, acts)
                say("\n".join(lines) or "no difference")
                assert not lines
                return
            differences = await explore(runner, int(os.environ["POLAR_MODEL_SEED"]))
    assert not differences


async def explore(runner, seed):
    """Rounds with one seed after the other, until the time is over. Returns the number of differences."""
    until = time.monotonic() + 60 * float(os.environ["POLAR_MODEL_MINUTES"])
    seen, differences = Counter(), 0
    while time.monotonic() < until and differences < MOST:
        waits, steps = drawn(seed)
        worlds = await runner.open(TOGETHER)
        await runner.run(waits, steps)
        books = await runner.finish()
        for world in worlds:
            seen.update(coverage.of(world))
        seen["run", "sequences"] += len(worlds)
        seen["run", "steps"] += sum(len(world.acts) for world in worlds)
        failed = [world for world in worlds if world.failure]
        differences += len(failed) + bool(books)
        if books:
            say(f"seed {seed}: the books are wrong:\n" + "\n".join(books))
        if failed:
            say(f"seed {seed}: {len(failed)} of {len(worlds)} shops differ; one of them, shortened:\n")
            others = [(world.acts[-1], world.failure[:4]) for world in failed[1:]]
            found = failed[0].failure
            acts, lines = await shortened(runner, failed[0].acts)
            if lines[:4] != found[:4]:
                say("\n".join(["as it was found:", *found, ""]))
            say(script(acts, lines or ["(only beside the other shops)", *failed[0].failure]))
            for act, lines in others:
                say("\n".join([f"another, after {act}:", *lines]))
        seed += 1
    say("\n".join(coverage.table(seen)))
    say(f"{seen['run', 'steps']} steps in {seen['run', 'sequences']} sequences: {differences} differences")
    return differences
