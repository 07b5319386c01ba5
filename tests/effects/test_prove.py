"""The effects proof: it holds for three minutes of kills."""

from tests.effects.proof import prove


def test_three_minutes_of_kills_lose_and_double_nothing():
    done = prove("--forked", "--minutes", "3", "--purchases", "180", "--seed", "3")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "nothing was lost, nothing was doubled" in done.stdout
