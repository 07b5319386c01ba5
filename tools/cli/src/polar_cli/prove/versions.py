"""Independent deploys: each service at its released code beside the others' newest, under purchases.

The newest migrations are applied first, as a deploy does. Then, for each service in turn, its API and one of its two
workers run the released code while the other worker runs the newest, since both consume during a rollout. No request
may fail, and afterwards the checks of the effects proof must find every effect of every purchase exactly once.
"""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from polar_cli.console import Failure, say, step, table
from polar_cli.prove.load import Buyers
from polar_cli.prove.run import SETTLE_SECONDS, Proof
from polar_cli.state import ROOT, SERVICES

RELEASED = ROOT / "deploy" / "released"
PURCHASES_A_SECOND = 2.0
"""A rate that two cores keep up with, everything of the stack on them, the buyers' other requests included.

At 4 they do not: requests wait for a connection, are refused after ten seconds and asked again.
"""


@dataclass
class Round:
    """What happened while one service ran its released code."""

    service: str
    purchases: int
    requests: int
    failed: list[str]
    seconds: float


def released() -> str:
    """The commit that `deploy/released` names: the code that runs where the newest is to be deployed."""
    return next(line for line in RELEASED.read_text().splitlines() if line and not line.startswith("#"))


def is_here(commit: str) -> bool:
    """Whether this clone has a commit; one without its history may not."""
    command = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def install(commit: str) -> Path:
    """Installs a commit's services beside this checkout, once. Returns their interpreter; raises `Failure`."""
    if not is_here(commit):
        raise Failure(f"this clone has no commit {commit}", hint="git fetch --unshallow", code=3)
    folder = ROOT / ".polar" / "released" / commit
    python = folder / ".venv" / "bin" / "python"
    if (folder / "installed").exists():
        return python
    with step(f"installing the services of {commit[:10]}"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        done = subprocess.run(
            [os.environ["POLAR_UV"], "sync", "--quiet", "--frozen", "--no-dev", "--all-packages"],
            cwd=folder, env=environment | {"UV_PROJECT_ENVIRONMENT": ".venv"}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise Failure(f"{commit} could not be installed:\n{done.stderr[-2000:]}")
        (folder / "installed").touch()
    return python


class MixedVersions(Proof):
    """A run of the proof without troubles, in which each service in turn runs its released code."""

    def __init__(self, purchases: int, commit: str) -> None:
        super().__init__(seed=1, purchases=purchases, seconds=purchases / PURCHASES_A_SECOND, only=())
        self._python = install(commit)
        self.rounds: list[Round] = []

    async def _drive(self, buyers: Buyers) -> None:
        buyers.reading = True
        self._began = time.monotonic()
        for service in SERVICES:
            self._run_by(self._python, service)
            say(f"· {service} at its released code: {self._purchases} purchases in {self._seconds:.0f} s")
            began, requests, failed = time.monotonic(), buyers.requests, len(buyers.failed)
            await buyers.run(self._purchases, self._seconds)
            await buyers.settle(SETTLE_SECONDS)
            spent = time.monotonic() - began
            self.rounds.append(
                Round(service, self._purchases, buyers.requests - requests, buyers.failed[failed:], spent)
            )
            self._run_by(None, service)

    def _run_by(self, python: Path | None, service: str) -> None:
        """Starts a service's API and first worker anew, by another interpreter or by this checkout's."""
        for name in (f"{service}.api", f"{service}.worker"):
            self.stack[name].stop()
            self.stack.pythons.pop(name, None)
            if python is not None:
                self.stack.pythons[name] = python
            self.stack.restart(name)


def run(purchases: int, commit: str) -> int:
    """Sells beside each service's released code and prints what came of it. Returns 1 when anything failed."""
    proof = MixedVersions(purchases, commit)
    report = proof.run()
    say()
    rows = [
        (each.service, each.purchases, each.requests, len(each.failed), f"{each.seconds:.0f}") for each in proof.rounds
    ]
    table((f"at {commit[:10]}", "purchases", "requests", "failed", "seconds"), rows)
    failed = [line for each in proof.rounds for line in each.failed]
    for line in failed[:20]:
        say(f"✗ failed: {line}")
    if failed or not report.findings.is_clean:
        say(f"the services' logs are in {proof.stack.logs}")
        return 1
    say("\nno request failed, nothing was lost, nothing was doubled")
    return 0
