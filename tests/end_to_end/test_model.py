"""The reference model of billing beside the whole product: sequences through the gateway, on test clocks.

Five organizations at once: a clock waits for its messages most of the time.
"""

import asyncio
import os
import random
from datetime import UTC, datetime

import pytest

from tests.end_to_end.conftest import caller
from tests.end_to_end.support import TimeShop
from tests.model.driver import gateway
from tests.model.driver.run import script

SEQUENCES, STEPS = 5, 30


class Unheard(TimeShop):
    """A shop without an endpoint for webhooks."""


async def sequence(stack, seed):
    """One sequence with its own organization, and time of its own."""
    rng = random.Random(seed)
    waits = [0, 0, *(rng.choice(gateway.WAITS) for _ in range(STEPS - 2))]
    steps = [
        ("buy", rng.getrandbits(40)),
        *((rng.choice(gateway.VERBS), rng.getrandbits(40)) for _ in range(STEPS - 1)),
    ]
    made = await asyncio.to_thread(stack.create_organization, "Model", f"model-{os.urandom(4).hex()}", is_test=True)
    async with caller(made["access_token"]) as api:
        shop = Unheard(api, made["organization_id"])
        await shop.start(datetime(2027, 1, 31, 9, tzinfo=UTC))
        return await gateway.run(shop, caller, waits, steps)


async def test_model_and_product_agree_through_the_gateway(stack):
    worlds = await asyncio.gather(*(sequence(stack, seed) for seed in range(SEQUENCES)))
    failed = [script(world.acts, world.failure) for world in worlds if world.failure]
    if failed:
        pytest.fail("\n".join(failed), pytrace=False)
    assert sum(len(world.acts) for world in worlds) == SEQUENCES * STEPS
