"""`./polar test`: servers of its own, then every group of tests, some at a time."""

import os
import re
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from polar_cli import forkserver, packages, servers_of_tests
from polar_cli.compose import ComposedStack, engine_answers
from polar_cli.console import Failure, say, table
from polar_cli.servers import Limits
from polar_cli.stack import Stack
from polar_cli.state import ROOT

ON_THE_STACK = ("end_to_end", "end_to_end/restarts", "schema", "conformance", "security", "pages")
"""Groups that need a whole stack; they share one."""
OWN = ("effects", "effects/planted", "versions")
"""Groups that start stacks of their own. They take minutes: `--quick` leaves them out."""
STAGES = (
    (
        "effects", "end_to_end/restarts", "architecture", "cli", "contracts", "pricing", "stripe_sandbox", "tax",
        "schema", "end_to_end", "conformance", "pages",
    ),
    ("security",),
)  # fmt: skip
"""What runs after all other groups: first what stops parts of the stack or compares whole tables (which
are small then), beside the proof on its own stack and, while these wait, groups that ask no stack; then what shares the
stack; and last what reads its logs."""
AFTER = dict.fromkeys(("schema", "end_to_end", "conformance", "pages"), "end_to_end/restarts")
"""What waits for another group of its stage."""
IN_A_BROWSER = "pages"
"""The group that needs a browser; where none can be installed it is left out."""
IN_CONTAINERS = "containers"
"""The group that asks a stack in containers; where no Docker engine answers it is left out."""
NAMED = ("versions",)
"""Groups that run only when they are named: they need the history of released code, and as long as all the others."""
APART = ("effects/planted", "end_to_end/restarts")
"""Folders of a group that run by themselves: beside the rest of it, since they take as long, or after it."""
WITHOUT_SERVERS = {"architecture", "cli", "contracts", "pricing", "stripe_sandbox", "tax"}
"""Groups that ask no server: when only such are named, none is started."""
TOGETHER = 3
"""Groups at a time, on two cores: each of them waits now and then."""
PRELOADED = (
    "_hypothesis_pytestplugin", "alembic.command", "hypothesis", "pytest", "pytest_asyncio.plugin", "schemathesis.cli",
    "standardwebhooks",
)  # fmt: skip
"""What more than one group imports, beside what services do: two seconds of a processor for each."""
FORKSERVER = "POLAR_TEST_FORKSERVER"
"""The variable with the address of the server that forks the groups, for those that start processes of their own."""
SLOW_SECONDS = 10
"""A test that takes longer is named with its time: whoever keeps the run short looks there first."""
_SLOW = re.compile(r"\d+\.\d+s (call|setup) ")
_COUNTS = re.compile(r"(\d+) (passed|failed|error|errors|skipped)")


@dataclass
class Outcome:
    """What a group's run gave."""

    group: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    cpu_seconds: float
    """Of its own process and those that it waited for; what it has the servers do is not in it."""
    status: int
    output: str


def groups() -> dict[str, Path]:
    """Every folder of tests by its name, the longest-running first."""
    folders = [
        *ROOT.glob("services/*/tests"),
        *ROOT.glob("libs/*/tests"),
        *ROOT.glob("tools/*/tests"),
        *(path for path in ROOT.glob("tests/*") if path.is_dir() and path.name != "support"),
    ]
    named = {path.parent.name if path.name == "tests" else path.name: path for path in folders}
    named |= {name: named[name.split("/")[0]] / name.split("/")[1] for name in APART}
    order = [
        "effects/planted",
        "model",
        "billing",
        "webhooks",
        "benefits",
        "checkout",
        "catalog",
        "architecture",
        "servicekit",
        "identity",
        "stripe_sandbox",
        "cli",
    ]
    found = {name: path for name, path in named.items() if any(path.rglob("test_*.py"))}
    return dict(sorted(found.items(), key=lambda item: (order.index(item[0]) if item[0] in order else 99, item[0])))


def stack_of_tests(name: str = "test") -> Stack:
    """The stack that the tests look at: without limits."""
    return Stack(name, limits=Limits.none(), durable=False, forked=True)


def run(names: list[str], expression: str, *, keep: bool, quick: bool = False) -> int:
    """Runs groups (all when none is named). Returns the exit status: 1 on any failure, or when no test ran.

    Where a Docker engine answers, services' own tests run on servers in containers, and one group on a whole stack in
    containers; elsewhere that group is left out.
    """
    known = groups()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Failure(f"no group named {', '.join(unknown)}", hint=f"groups: {', '.join(known)}", code=2)
    chosen = {
        name: path
        for name, path in known.items()
        if {name, name.split("/")[0]} & set(names) or (not names and name not in (*NAMED, *(OWN if quick else ())))
    }
    has_engine = engine_answers()
    if IN_CONTAINERS in chosen and not has_engine:
        del chosen[IN_CONTAINERS]
        say(f"{IN_CONTAINERS}: left out, since no Docker engine answers here")
    if IN_A_BROWSER in chosen:
        try:
            packages.chromium()
        except Failure as failure:
            del chosen[IN_A_BROWSER]
            say(f"{IN_A_BROWSER}: left out: {failure}")
    of_services = [name for name in chosen if name not in (*ON_THE_STACK, *OWN, IN_CONTAINERS)]
    outcomes: list[Outcome] = []
    with forkserver.started(*PRELOADED) as address:
        environment = {**os.environ, FORKSERVER: str(address)}
        if has_engine and of_services:
            with servers_of_tests.in_containers() as addresses:
                outcomes += _side_by_side(of_services, chosen, expression, {**environment, **addresses})
            chosen = {name: path for name, path in chosen.items() if name not in of_services}
        if chosen.keys() <= WITHOUT_SERVERS:
            outcomes += _side_by_side(list(chosen), chosen, expression, environment)
        elif chosen.keys() - {IN_CONTAINERS}:
            outcomes += _on_this_machine(chosen, expression, environment, keep=keep)
        if IN_CONTAINERS in chosen:
            outcomes += _in_containers(chosen, expression, environment, keep=keep)
    return _summary(outcomes)


def _side_by_side(
    names: Sequence[str],
    chosen: dict[str, Path],
    expression: str,
    environment: dict[str, str],
    lastly: Callable[[], object] = lambda: None,
) -> list[Outcome]:
    """Runs groups in their order, as many at a time as there are turns. `lastly` takes the last one."""

    def turn_of(name: str) -> Outcome | None:
        if name:
            return _told(_group(name, chosen[name], expression, environment))
        lastly()
        return None

    waiting = [*names, ""]  # "" is `lastly`
    running: dict[Future[Outcome | None], str] = {}
    outcomes: dict[str, Outcome | None] = {}
    with ThreadPoolExecutor(TOGETHER) as pool:
        while waiting or running:
            ahead = {*waiting, *running.values()}
            ready = [name for name in waiting if AFTER.get(name) not in ahead]
            for name in ready[: TOGETHER - len(running)]:
                waiting.remove(name)
                running[pool.submit(turn_of, name)] = name
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                outcomes[running.pop(done)] = done.result()
    return [outcome for name in names if (outcome := outcomes[name]) is not None]


def _in_containers(
    chosen: dict[str, Path], expression: str, environment: dict[str, str], *, keep: bool
) -> list[Outcome]:
    """Has a stack in containers come up, and asked what the end-to-end tests ask."""
    stack = ComposedStack(IN_CONTAINERS)
    try:
        stack.up()
        return _side_by_side([IN_CONTAINERS], chosen, expression, {**environment, **stack.client_environment()})
    finally:
        if not keep:
            stack.reset()


def _on_this_machine(
    chosen: dict[str, Path], expression: str, environment: dict[str, str], *, keep: bool
) -> list[Outcome]:
    """Runs groups on this machine's own servers, stage by stage."""
    stack = stack_of_tests()
    outcomes: list[Outcome] = []
    try:
        stack.servers_up()
        environment |= servers_of_tests.of(stack)
        first = [name for name in chosen if name not in (*sum(STAGES, ()), IN_CONTAINERS)]
        if chosen.keys().isdisjoint(ON_THE_STACK):
            outcomes += _side_by_side(first, chosen, expression, environment)
        else:
            outcomes += _side_by_side(first, chosen, expression, environment, lastly=stack.up)
            environment |= {**stack.client_environment(), "POLAR_TEST_STACK": stack.name}
        for stage in STAGES:
            outcomes += _side_by_side([name for name in stage if name in chosen], chosen, expression, environment)
    finally:
        if not keep:
            stack.down()
    return outcomes


def _group(name: str, path: Path, expression: str, environment: dict[str, str]) -> Outcome:
    command = [sys.executable, "-m", "pytest", str(path), "-q", "--no-header", "--color=no"]
    # Where the asserts of its own plugins fail matters to nobody; they are imported before it could rewrite them.
    command += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    command += ["--durations=5", f"--durations-min={SLOW_SECONDS}"]
    command += [f"--ignore={path / apart.split('/')[1]}" for apart in APART if apart.split("/")[0] == name]
    if expression:
        command += ["-k", expression]
    started = time.monotonic()
    address = Path(environment[FORKSERVER])
    forkserver.wait(address)
    done = forkserver.run(address, command, environment=environment, folder=ROOT)
    last = next((line for line in reversed(done.stdout.splitlines()) if _COUNTS.search(line)), "")
    counts = {
        kind.removesuffix("s") if kind == "errors" else kind: int(number) for number, kind in _COUNTS.findall(last)
    }
    failed = counts.get("failed", 0) + counts.get("error", 0)
    nothing_matched = done.returncode == 5
    if done.returncode and not failed and not nothing_matched:
        failed = 1
    return Outcome(
        name, counts.get("passed", 0), failed, counts.get("skipped", 0), time.monotonic() - started,
        done.cpu_seconds, 0 if nothing_matched else done.returncode, done.stdout,
    )  # fmt: skip


def _told(outcome: Outcome) -> Outcome:
    mark = "✓" if outcome.status == 0 else "✗"
    say(f"{mark} {outcome.group}: {outcome.passed} passed, {outcome.failed} failed ({outcome.seconds:.1f} s)")
    for line in outcome.output.splitlines():
        if line.startswith(("conformance:", "schema:")) or _SLOW.match(line):
            say(f"  {line}")
    if outcome.status:
        say(outcome.output)
    return outcome


def _summary(outcomes: list[Outcome]) -> int:
    say()
    rows = [
        (
            outcome.group,
            outcome.passed,
            outcome.failed,
            outcome.skipped,
            f"{outcome.seconds:.1f}",
            f"{outcome.cpu_seconds:.1f}",
        )
        for outcome in sorted(outcomes, key=lambda outcome: outcome.status)
    ]
    table(("group", "passed", "failed", "skipped", "seconds", "CPU-seconds"), rows)
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    servers = resource.getrusage(resource.RUSAGE_CHILDREN)
    say(f"\n{passed} passed, {failed} failed, {sum(outcome.skipped for outcome in outcomes)} skipped")
    say(
        f"CPU-seconds: {sum(outcome.cpu_seconds for outcome in outcomes):.0f} of the groups, "
        f"{servers.ru_utime + servers.ru_stime:.0f} of the servers and processes that have ended"
    )
    return 1 if failed or not passed else 0
