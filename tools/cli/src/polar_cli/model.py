"""`./polar model`: the reference model of billing beside the product, on new sequences, on servers of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path

from polar_cli import servers_of_tests
from polar_cli.console import Failure
from polar_cli.state import ROOT
from polar_cli.testing import stack_of_tests

EXPLORE = ROOT / "tests" / "model" / "explore.py"


def run(minutes: float, seed: int | None, script: Path | None) -> int:
    """Compares for so many minutes, or runs one script again. Returns 1 when model and product differ.

    Without a seed the sequences are new ones; the seed of each difference is printed. Raises `Failure` when the script
    does not exist.
    """
    if script is not None and not script.is_file():
        raise Failure(f"no such file: {script}", code=2)
    stack = stack_of_tests("model")
    environment = {
        "POLAR_MODEL_MINUTES": str(minutes),
        "POLAR_MODEL_SEED": str(int(time.time()) if seed is None else seed),
        **({"POLAR_MODEL_SCRIPT": str(script.resolve())} if script else {"POLAR_MODEL_LOG_LEVEL": "CRITICAL"}),
    }
    command = [sys.executable, "-m", "pytest", str(EXPLORE), "-q", "-s", "--no-header", "--tb=short"]
    try:
        stack.servers_up()
        addresses = servers_of_tests.of(stack)
        return subprocess.run(command, cwd=ROOT, env={**os.environ, **addresses, **environment}, check=False).returncode
    finally:
        stack.down()
