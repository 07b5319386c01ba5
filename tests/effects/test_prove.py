"""The effects proof: it holds for three minutes of kills, and it fails when a fault is planted."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments):
    command = [sys.executable, "-m", "polar_cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("outbox-row-deleted", "lost: "),
        ("inbox-disabled", "duplicated: billing: "),
        ("ack-before-commit", "lost: "),
    ],
)
def test_a_planted_fault_is_caught(fault, said):
    done = run(
        "prove", "--minutes", "0.3", "--purchases", "18", "--only", "billing.worker,billing.worker.2", "--plant", fault
    )
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-2000:]
    assert said in done.stdout, done.stdout[-3000:]


def test_three_minutes_of_kills_lose_and_double_nothing():
    done = run("prove", "--minutes", "3", "--purchases", "180", "--seed", "3")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "nothing was lost, nothing was doubled" in done.stdout
