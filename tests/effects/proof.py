"""Runs the proof as its users do."""

import subprocess
import sys

from polar_cli.state import ROOT


def prove(*arguments):
    command = [sys.executable, "-m", "polar_cli", "prove", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
