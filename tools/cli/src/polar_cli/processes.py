"""Processes that outlive the command that started them, and are ended only by their own id."""

import hashlib
import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from polar_cli import environments, forkserver
from polar_cli.console import Failure
from polar_cli.state import State

RESTARTS = 10


def _born(pid: int) -> str | None:
    """When a process was started, in the kernel's ticks; None when there is no such process, or only its corpse."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in "ZX":
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        return None
    return fields[19]


_children: list[subprocess.Popen[bytes]] = []


def _reap() -> None:
    """Takes the exit status of our own children as they end, so that none stays behind as a corpse.

    PostgreSQL takes a corpse with its old process id for a running server, and would not start again.
    """
    while True:
        time.sleep(0.02)
        for child in list(_children):
            if child.poll() is not None:
                _children.remove(child)


_reaper = threading.Thread(target=_reap, name="reaper", daemon=True)
_reaper_lock = threading.Lock()


def _adopt(child: "subprocess.Popen[bytes]") -> None:
    _children.append(child)
    with _reaper_lock:
        if not _reaper.is_alive():
            _reaper.start()


def answers(url: str) -> bool:
    """Whether a URL answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.HTTPError, ValueError):
        return False


@dataclass
class Process:
    """One process of a stack. `ready` says whether it can do its work."""

    name: str
    state: State
    command: Callable[[], Sequence[str]]
    environment: Callable[[], dict[str, str]]
    ready: Callable[[], bool]
    log: Path
    user: str | None = None
    folder: Path | None = None
    whole_group: bool = False
    """Whether it has children that end with it."""
    graceful: signal.Signals = signal.SIGTERM
    patience: float = 30.0
    """Seconds that a graceful stop may take before it is killed."""
    before: Callable[[], None] = field(default=lambda: None)
    forkserver: Path | None = None
    """The address of the fork server that starts it, where it is not started by itself."""
    made_of: Callable[[], str] = field(default=lambda: "")
    """What it is started from beside command and environment: a checksum of its code or configuration."""

    @property
    def pid(self) -> int | None:
        """The process id, while it lives and is still the process that was started."""
        stored = self.state.get(f"pid:{self.name}")
        if stored is None or _born(stored[0]) != stored[1]:
            return None
        return int(stored[0])

    @property
    def is_outdated(self) -> bool:
        """Whether it runs, and would be started otherwise today: with other settings, another command or other code."""
        return self.pid is not None and self.state.get(f"started:{self.name}") != self._fingerprint()

    def _fingerprint(self) -> str:
        lines = {name: value for name, value in self.environment().items() if name not in environments.OF_THE_MACHINE}
        return hashlib.sha256(json.dumps([list(self.command()), lines, self.made_of()]).encode()).hexdigest()

    def start(self) -> bool:
        """Starts it unless it runs. Returns whether it was started. What it writes is readable by its user alone."""
        if self.pid is not None:
            return False
        self.before()
        self.state.set(f"started:{self.name}", self._fingerprint())
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.forkserver is not None:
            pid = forkserver.spawn(
                self.forkserver, self.command(), environment=self.environment(), folder=self.folder, log=self.log
            )
            self.state.set(f"pid:{self.name}", [pid, _born(pid)])
            return True
        identity: dict[str, object] = {}
        if self.user is not None and os.geteuid() == 0:
            identity = {"user": self.user, "group": self.user, "extra_groups": []}
        with open(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            process = subprocess.Popen(  # type: ignore[call-overload]
                list(self.command()),
                env=self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=0o077,
                **identity,
            )
        self.state.set(f"pid:{self.name}", [process.pid, _born(process.pid)])
        _adopt(process)
        return True

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to it, or to its whole group."""
        pid = self.pid
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(pid, number) if self.whole_group else os.kill(pid, number)

    def stop(self) -> None:
        """Ends it gracefully; kills it when that takes too long."""
        if self.pid is None:
            return
        self.signal(self.graceful)
        if not self._gone(self.patience):
            self.kill()
        self.state.set(f"pid:{self.name}", None)

    def kill(self) -> None:
        """Kills it with SIGKILL, children included where it has some."""
        self.signal(signal.SIGKILL)
        if not self._gone(10):
            raise Failure(f"{self.name} does not end")

    def _gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.pid is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def wait_ready(self, seconds: float = 60) -> None:
        """Asks until it is ready. Raises `Failure` with the end of its log when it ends or stays unready."""
        deadline = time.monotonic() + seconds
        while not self.ready():
            if self.pid is None:
                raise Failure(f"{self.name} ended:\n{self.tail()}", hint=f"its log is {self.log}")
            if time.monotonic() > deadline:
                raise Failure(
                    f"{self.name} is not ready after {seconds:.0f} s:\n{self.tail()}", hint=f"log: {self.log}"
                )
            # Asking costs the processor time that starting needs.
            time.sleep(0.25)

    def start_again(self) -> None:
        """Starts it after its end and waits until it is ready. Raises `Failure` where it does not stay.

        One that ends at once is started anew, as a supervisor would: PostgreSQL refuses to start while a backend of
        its killed predecessor, forked in its last moment, still holds the shared memory.
        """
        for _ in range(RESTARTS):
            self.start()
            try:
                self.wait_ready(90)
                return
            except Failure:
                if self.pid is not None:
                    raise
                time.sleep(0.5)
        raise Failure(f"{self.name} ends whenever it is started:\n{self.tail()}", hint=f"its log is {self.log}")

    def tail(self, lines: int = 15) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
