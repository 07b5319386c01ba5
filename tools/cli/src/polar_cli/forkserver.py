"""A server that forks processes, as `multiprocessing`'s does: the libraries are imported once, not by each.

Importing them takes 1.5 to 2 seconds of a processor, which is most of what a service's start takes. A forked process
then runs `python -m <module>` as if it had been started alone: with its own environment and files.
"""

import gc
import importlib
import json
import os
import resource
import runpy
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any

from polar_cli.console import Failure

PRELOADED = (
    "aio_pika",
    "aiohttp",
    "asyncpg",
    "contracts.registry",
    "fastapi",
    "httptools",
    "httpx",
    "opentelemetry.sdk.trace",
    "servicekit.app",
    "servicekit.worker",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "stripe",
    "uvicorn",
    "uvloop",
)
"""What more than one service imports. Modules of a service are imported by its own processes alone."""
START_SECONDS = 60


@contextmanager
def started(*also: str) -> Iterator[Path]:
    """A server that has `also` imported too, and ends with the block. Gives its address before it listens there.

    What it runs gets the signals that a terminal sends to this process.
    """
    with TemporaryDirectory(prefix="polar-") as folder:
        address = Path(folder) / "forkserver"
        command = [sys.executable, "-m", "polar_cli.forkserver", str(address), *also]
        with (Path(folder) / "log").open("w") as log:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield address
        finally:
            server.terminate()
            server.wait()


def wait(address: Path) -> None:
    """Waits for a server that `started` gave. Raises `Failure` with what it wrote when it does not come."""
    deadline = time.monotonic() + START_SECONDS
    while not listens(address):
        if time.monotonic() > deadline:
            said = address.with_name("log").read_text()[-3000:]
            raise Failure(f"no fork server listens at {address}:\n{said}")
        time.sleep(0.05)


def spawn(address: Path, command: Sequence[str], *, environment: dict[str, str], folder: Path | None, log: Path) -> int:
    """Has the server at `address` fork a process that runs `command`, which is `[python, "-m", module, *arguments]`.

    Returns its process id. The server takes its exit status. Raises `OSError` when the server does not answer.
    """
    answer = _ask(address, command, environment, folder or Path.cwd(), log, awaited=False)
    if not answer:
        raise ConnectionResetError(f"the fork server at {address} forked nothing")
    return int(answer)


class Finished(subprocess.CompletedProcess[str]):
    """A command that has ended. `cpu_seconds` is the processor time of it and of the children which it waited for."""

    def __init__(self, command: Sequence[str], status: int, output: str, cpu_seconds: float) -> None:
        super().__init__(command, status, output, "")
        self.cpu_seconds = cpu_seconds


def run(address: Path, command: Sequence[str], *, environment: dict[str, str], folder: Path) -> Finished:
    """Has `command` run as `spawn` does, and waits for its end; `stdout` is all that it wrote, its errors too.

    It belongs to the server's session: whoever ends all of that ends it, too.
    The exit status is 1 when it was killed. Raises `OSError` when the server does not answer.
    """
    with NamedTemporaryFile("r") as log:
        answer = _ask(address, command, environment, folder, Path(log.name), awaited=True)
        status, _, cpu_seconds = answer.partition(" ")
        return Finished(command, int(status or 1), log.read(), float(cpu_seconds or 0))


def _ask(
    address: Path, command: Sequence[str], environment: dict[str, str], folder: Path, log: Path, *, awaited: bool
) -> str:
    wish = {
        "arguments": list(command[2:]),
        "environment": environment,
        "folder": str(folder),
        "log": str(log),
        "awaited": awaited,
    }
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(address))
        connection.sendall(json.dumps(wish).encode())
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile().read()


def listens(address: Path) -> bool:
    """Whether a server can be reached at `address`."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(address))
        except OSError:
            return False
        return True


def main(address: str, *also: str) -> None:
    """Imports what is preloaded, and `also`, then forks for whoever asks."""
    for module in (*PRELOADED, *also):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    wish, asker = _serve(address)
    if wish["awaited"]:
        status = _status(wish)
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        asker.sendall(f"{status} {sum(one.ru_utime + one.ru_stime for one in used):.2f}".encode())
    else:
        asker.close()
        os.setsid()
        os.umask(0o077)  # as a process that is started by itself: see `processes`
        _become(wish)


def _serve(address: str) -> tuple[dict[str, Any], socket.socket]:
    """Listens for ever; returns in each forked process, with what it is to become and the connection of who asked."""
    with suppress(FileNotFoundError):
        os.unlink(address)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        os.chmod(address, 0o600)
        listener.listen(32)
        # The kernel takes the exit status of each child: none stays behind as a corpse.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            connection, _ = listener.accept()
            with connection:
                if not (text := connection.makefile().read()):
                    continue
                wish = json.loads(text)
                pid = os.fork()
                if pid == 0:
                    return wish, connection.dup()
                if not wish["awaited"]:
                    connection.sendall(str(pid).encode())


def _status(wish: dict[str, Any]) -> int:
    """Runs to the end, with everything written, and gives the exit status."""
    try:
        _become(wish)
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        sys.stderr.write(f"{ended.code}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _become(wish: dict[str, Any]) -> None:
    """Makes a forked process what `python -m` would have made it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(wish["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, log, log)):
        os.dup2(file, number)
    os.close(log)
    os.close(nothing)
    os.environ.clear()
    os.environ.update(wish["environment"])
    os.chdir(wish["folder"])
    sys.path[0] = wish["folder"]
    module, *arguments = wish["arguments"]
    with suppress(OSError):
        Path("/proc/self/comm").write_text(module)  # what `top` calls it
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
