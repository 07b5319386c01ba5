"""What a stack remembers between commands: ports, passwords, process ids; one private JSON file."""

import fcntl
import hashlib
import json
import os
import secrets
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from typing import Any

ROOT = Path(__file__).parents[4]
"""The repository."""
SERVICES = ("identity", "catalog", "checkout", "billing", "benefits", "webhooks", "metering")
PORTS = range(20_000, 32_000)
"""Below the range from which the system takes ports for outgoing connections."""


class State:
    """The state of one stack, in `<folder>/state.json`, readable by its owner alone.

    Several commands may have it open at once, from several threads: each reads what another wrote.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "state.json"
        self._lock = threading.RLock()
        self._read: tuple[int, int] | None = None
        self._values: dict[str, Any] = {}

    def get(self, name: str, default: Any = None) -> Any:
        """A value, or the default."""
        with self._lock:
            self._refresh()
            return self._values.get(name, default)

    def set(self, name: str, value: Any) -> None:
        """Stores a value at once; None forgets it."""
        with self._locked():
            if value is None:
                self._values.pop(name, None)
            else:
                self._values[name] = value
            self._write()

    def secret(self, name: str, size: int = 24) -> str:
        """A random secret, made when it is first asked for."""
        return str(self._once(f"secret:{name}", lambda: secrets.token_hex(size)))

    def signing_seed(self) -> str:
        """The base64 of the seed that identity signs principals with."""
        return str(self._once("signing-seed", lambda: b64encode(secrets.token_bytes(32)).decode()))

    def port(self, name: str) -> int:
        """A port for `name`: the same one each time."""

        def choose() -> int:
            return _free_port({value for other, value in self._values.items() if other.startswith("port:")})

        return int(self._once(f"port:{name}", choose))

    def other_port(self, name: str) -> int:
        """Another port for `name`, where its present one is taken by a stranger."""
        self.set(f"port:{name}", None)
        return self.port(name)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        known = self.get(name)
        if known is not None:
            return known
        with self._locked():
            if name not in self._values:
                self._values[name] = make()
                self._write()
            return self._values[name]

    def _refresh(self) -> None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._values, self._read = {}, None
            return
        seen = (status.st_mtime_ns, status.st_ino)
        if seen != self._read:
            self._values = json.loads(self._path.read_text())
            self._read = seen

    def _write(self) -> None:
        temporary = self._path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._values, file, indent=1)
        temporary.replace(self._path)
        status = self._path.stat()
        self._read = (status.st_mtime_ns, status.st_ino)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock, open(self.folder / "state.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._refresh()
            yield


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port(taken: set[int]) -> int:
    for _ in range(1000):
        port = SystemRandom().choice(PORTS)
        if port not in taken and is_free(port):
            return port
    raise RuntimeError("no free port was found")


def data_folder(folder: Path) -> Path:
    """Where servers that run as another user keep their data: in the stack's folder, if that user can get there.

    Below a home that is closed to others, a folder under /var/tmp is used and linked from the stack's own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "data"
    if link.is_symlink() or link.is_dir():
        return link.resolve()
    closed = os.geteuid() == 0 and any(not parent.stat().st_mode & 0o001 for parent in [folder, *folder.parents])
    if not closed:
        link.mkdir()
        return link
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    outside = Path("/var/tmp") / f"polar-{os.getuid()}-{name}"
    outside.mkdir(mode=0o755, exist_ok=True)
    if outside.stat().st_uid != os.getuid():
        raise RuntimeError(f"{outside} belongs to somebody else: remove it")
    link.symlink_to(outside)
    return outside
