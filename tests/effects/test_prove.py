"""The effects proof: it holds for three minutes of kills, and it fails when a fault is planted."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def untold(said, webhook):
    """The purchases of which a webhook never came."""
    return set(re.findall(rf"✗ lost: purchase (\d+): ids of its webhook {webhook}: 0 instead of 1", said))


FOUND = {
    "outbox-row-deleted": lambda said: untold(said, "order.paid") - untold(said, "order.created"),
    "inbox-disabled": lambda said: re.findall(r"✗ duplicated: benefits: \d+ events were handled twice", said),
    "ack-before-commit": lambda said: re.findall(r"✗ lost: billing\.\w+: \d+ events were never handled", said),
}
"""What the proof says of each fault, and of no other: they are planted in different places."""


def prove(*arguments):
    command = [sys.executable, "-m", "polar_cli", "prove", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


@pytest.fixture(scope="module")
def planted():
    """One run with every fault at once: a stack starts in half a minute."""
    plants = [word for fault in FOUND for word in ("--plant", fault)]
    return prove("--minutes", "0.3", "--purchases", "18", "--only", "billing.worker,billing.worker.2", *plants)


@pytest.mark.parametrize("fault", FOUND)
def test_a_planted_fault_is_caught(planted, fault):
    assert planted.returncode == 1, planted.stdout[-3000:] + planted.stderr[-2000:]
    assert FOUND[fault](planted.stdout), planted.stdout[-6000:]


def test_three_minutes_of_kills_lose_and_double_nothing():
    done = prove("--minutes", "3", "--purchases", "180", "--seed", "3")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "nothing was lost, nothing was doubled" in done.stdout
