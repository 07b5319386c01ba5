"""What the documented development commands need beside `up`: one half of the stack, and databases made anew."""

import asyncio
import fcntl
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from polar_cli import compose, provision
from polar_cli.console import Failure, say, step
from polar_cli.stack import Stack
from polar_cli.state import SERVICES

_SERVERS = {"postgres", "rabbitmq"}
_HELPERS = {"forkserver"}
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HALVES: dict[str, Callable[[str], bool]] = {
    "api": lambda name: name.endswith(".api") or name in {"gateway", "stripe"},
    "worker": lambda name: ".worker" in name,
}
"""Which processes belong to which half: what answers requests, and what works off events and whatever comes due."""


def serve(stack: Stack, half: str) -> int:
    """Runs one half in the foreground and shows its logs until Ctrl-C, which ends what this command started.

    The servers end with the last half. In containers the whole stack comes up, and goes on running.
    """
    for number in _ENDS:
        signal.signal(number, _interrupt)
    belongs = HALVES[half]
    if isinstance(stack, compose.ComposedStack):
        stack.up()
        shown = [f"{service}-{half}" for service in SERVICES]
        say(f"ready: {stack.url}; Ctrl-C ends this view, ./polar down the containers")
        return stack.run("logs", "--follow", "--tail", "0", *shown)
    before = {name for name, process in stack.processes.items() if process.pid is not None}
    try:
        with _one_at_a_time(stack):
            stack.start(belongs)
        say(f"ready: {stack.url}" if half == "api" else "ready: events and whatever comes due are worked off")
        say("Ctrl-C ends it")
        _follow(stack, belongs)
    except KeyboardInterrupt:
        say()
    finally:
        with _one_at_a_time(stack):
            _end(stack, [name for name in stack.processes if belongs(name) and name not in before])
    return 0


def migrate(stack: Stack) -> int:
    """Starts PostgreSQL and RabbitMQ, brings every database to its newest revision, and declares the queues.

    Containers migrate as they start: there it is `up`.
    """
    if isinstance(stack, compose.ComposedStack):
        stack.up()
    else:
        with _one_at_a_time(stack):
            stack.prepare()
    say("every database is at its newest revision; ./polar down ends the servers")
    return 0


def recreate(stack: Stack) -> int:
    """Drops every service's database of a development stack, and makes them anew and empty.

    Raises `Failure` where the stack is not for development: what it would remove cannot be brought back.
    """
    if stack.given.get("ENVIRONMENT", "development") != "development" or stack.is_live:
        raise Failure("databases are dropped in development alone", hint="./polar reset asks first", code=2)
    if isinstance(stack, compose.ComposedStack):
        stack.reset()
        stack.up()
        return 0
    with _one_at_a_time(stack):
        running = [name for name, process in stack.processes.items() if process.pid is not None]
        with step("ending what uses the databases"):
            for name in running:
                if name not in _SERVERS | _HELPERS:
                    stack[name].stop()
        stack.servers_up()
        with step("dropping the databases and what waits in the queues"):
            asyncio.run(provision.drop(stack.postgres_url))
            provision.empty_queues(stack.state)
            asyncio.run(provision.databases(stack.state, stack.postgres_url))
        # The organization that its token is for is gone; the next start makes another one.
        (stack.folder / "env").unlink(missing_ok=True)
        stack.prepare()
    say("every database is empty and at its newest revision; ./polar up starts the services")
    return 0


def _end(stack: Stack, names: list[str]) -> None:
    running = [name for name in names if stack[name].pid is not None]
    with step(f"ending {len(running)} processes"):
        for name in running:
            stack[name].stop()
        others = {name for name, process in stack.processes.items() if process.pid is not None}
        if not others - _SERVERS - _HELPERS:
            stack.down()


def _follow(stack: Stack, belongs: Callable[[str], bool]) -> None:
    """Shows what the processes write from now on."""
    logs = [str(process.log) for name, process in stack.processes.items() if belongs(name)]
    subprocess.run(["tail", "-n", "0", "-q", "-F", *logs], check=False, stderr=subprocess.DEVNULL)


def _interrupt(_: int, __: FrameType | None) -> None:
    """Ends the view once: a task runner passes the terminal's signal on to who has it already."""
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def _one_at_a_time(stack: Stack) -> Iterator[None]:
    """Two halves that start at once do not both set up the servers."""
    stack.folder.mkdir(parents=True, exist_ok=True)
    with open(stack.folder / "serve.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
