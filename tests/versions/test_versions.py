"""Independent deploys: each service runs at its released code beside the others, and nothing fails or is lost."""

import subprocess
import sys
from pathlib import Path

from polar_cli.state import SERVICES

ROOT = Path(__file__).parents[2]


def test_each_service_runs_at_its_released_code_beside_the_others():
    command = [sys.executable, "-m", "polar_cli", "mixed-versions", "--purchases", "25"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    for service in SERVICES:
        assert f"{service} at its released code: 25 purchases" in done.stdout
    assert "what the released rules left behind was named and repaired" in done.stdout
    assert "no request failed, nothing was lost, nothing was doubled" in done.stdout
