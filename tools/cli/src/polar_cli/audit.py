"""`./polar audit`: billing's own command, which computes every order, balance and tax total once more."""

import subprocess
import sys

from polar_cli.console import Failure
from polar_cli.stack import Stack
from polar_cli.state import ROOT


def command(organization: str) -> list[str]:
    """What is run beside billing's processes."""
    narrowed = ["--organization", organization] if organization else []
    return ["-m", "billing.commands", "audit", *narrowed]


def run(stack: Stack, organization: str) -> int:
    """Runs it on this machine. Returns its exit status: 1 when anything differs. Raises `Failure`."""
    if stack.own_postgres and stack["postgres"].pid is None:
        raise Failure("the database does not run", hint="./polar up")
    arguments = [sys.executable, *command(organization)]
    return subprocess.run(arguments, env=stack.environment("billing"), cwd=ROOT, check=False).returncode
