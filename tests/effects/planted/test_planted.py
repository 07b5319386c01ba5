"""The effects proof fails when it must: with a fault planted in the outbox, the inbox, and the acknowledgement."""

import re

import pytest

from tests.effects.proof import prove


def untold(said, webhook):
    """The purchases of which a webhook never came."""
    return set(re.findall(rf"✗ lost: purchase (\d+): ids of its webhook {webhook}: 0 instead of 1", said))


FOUND = {
    "outbox-row-deleted": lambda said: untold(said, "order.paid") - untold(said, "order.created"),
    "inbox-disabled": lambda said: re.findall(r"✗ duplicated: benefits: \d+ events were handled twice", said),
    "ack-before-commit": lambda said: re.findall(r"✗ lost: billing\.\w+: \d+ events were never handled", said),
}
"""What the proof says of each fault, and of no other: they are planted in different places."""


@pytest.fixture(scope="module")
def planted():
    """One run with every fault at once: a stack starts in half a minute."""
    plants = [word for fault in FOUND for word in ("--plant", fault)]
    return prove(
        "--forked", "--minutes", "0.3", "--purchases", "18", "--only", "billing.worker,billing.worker.2", *plants
    )


@pytest.mark.parametrize("fault", FOUND)
def test_a_planted_fault_is_caught(planted, fault):
    assert planted.returncode == 1, planted.stdout[-3000:] + planted.stderr[-2000:]
    assert FOUND[fault](planted.stdout), planted.stdout[-6000:]
