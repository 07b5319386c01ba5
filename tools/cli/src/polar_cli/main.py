"""The commands of ./polar."""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from polar_cli import (
    audit,
    compose,
    contracts,
    dead_letters,
    development,
    emails,
    kubernetes,
    leftovers,
    lint,
    openapi,
    pages,
    prices,
    settings,
    testing,
    vulnerabilities,
)
from polar_cli.console import Failure, say, step, table
from polar_cli.prove import plants
from polar_cli.stack import Stack
from polar_cli.state import ROOT, SERVICES

Command = Callable[[argparse.Namespace], int]


def main() -> int:
    """Runs one command and returns its exit status: 0 done, 1 failed, 2 used wrongly, 3 something must be installed."""
    parser = _parser()
    arguments = parser.parse_args()
    if not hasattr(arguments, "run"):
        parser.print_help()
        return 2
    try:
        status: int = arguments.run(arguments)
    except Failure as failure:
        sys.stderr.write(f"\n{failure}\n")
        if failure.hint:
            sys.stderr.write(f"→ {failure.hint}\n")
        return failure.code
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./polar", description="Payment infrastructure that a company can run itself.",
        epilog="The stack lives in .polar; .polar/env has the address and a token for clients.",
    )  # fmt: skip
    commands = parser.add_subparsers(metavar="command", title="commands")

    def add(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    demo = add("demo", _demo, "start everything and sell a subscription end to end")
    demo.add_argument("--purchases", type=int, default=15, help="purchases for the median at the end (default 15)")
    test = add("test", _test, "run every test, or some groups, on servers of their own")
    test.add_argument("groups", nargs="*", metavar="group")
    test.add_argument("-k", dest="expression", default="", help="only tests whose names match, as pytest's -k")
    test.add_argument("--quick", action="store_true", help="leave out the effects proof, which takes eight minutes")
    test.add_argument("--keep", action="store_true", help="leave the test stack running")
    model = add("model", _model, "compare billing with its reference model, on new sequences of steps")
    model.add_argument("--minutes", type=float, default=10.0, help="for how long (default 10)")
    model.add_argument("--seed", type=int, help="of the first sequences (default: new ones)")
    model.add_argument("--script", type=Path, help="run one failing sequence again, as it was printed")
    prove = add("prove", _prove, "kill every part during purchases, and prove that none was lost or doubled")
    prove.add_argument("--purchases", type=int, default=0, help="how many (default: one a second)")
    prove.add_argument("--minutes", type=float, default=3.0, help="for how long (default 3)")
    prove.add_argument("--seed", type=int, default=1, help="the same seed gives the same plan (default 1)")
    prove.add_argument(
        "--only", default="", help="parts to kill, separated by commas: billing.worker, rabbitmq, checkout"
    )
    prove.add_argument(
        "--plant", action="append", default=[], choices=plants.NAMES, help="plant a fault, to see that the proof fails"
    )
    prove.add_argument(
        "--forked", action="store_true", help="fork services from one process, which takes less time than starting each"
    )
    mixed = add("mixed-versions", _mixed_versions, "run each service at its released code beside the others, and sell")
    mixed.add_argument("--purchases", type=int, default=500, help="beside each service (default 500)")
    mixed.add_argument(
        "--leftovers", action="store_true", help="only make rows with the released code, upgrade them and repair them"
    )
    mixed.add_argument("--released", default="", help="a commit (default: the one in deploy/released)")
    add("audit-dependencies", _audit_dependencies, "fail on known vulnerabilities that are not waived")
    cluster = add("kubernetes-secrets", _kubernetes_secrets, "print every Secret that deploy/kubernetes names, as YAML")
    cluster.add_argument("--namespace", default="polar")
    bench = add("bench", _bench, "measure, beside bare clients in the same run")
    bench.add_argument(
        "what",
        choices=["api", "events", "grants", "history", "ingest", "purchases", "renewals", "webhooks"],
        help="requests; the bus, from outbox to consumer; an edit with 50,000 buyers; writers while old events are "
        "dropped; usage events; whole purchases; renewals; webhooks",
    )
    rebuild = add("rebuild", _rebuild, "have a service's copies of others' resources told again by their owners")
    rebuild.add_argument("service", choices=SERVICES)
    rebuild.add_argument(
        "--empty", action="store_true", help="remove the copies first; until they are back, what they stand for is gone"
    )
    auditing = add("audit", _audit, "compute every order, balance and tax total once more, and name what differs")
    auditing.add_argument("--organization", default="", help="only what this organization has")
    listing = add("prices", _prices, "list prices on sale whose currency or amounts can no longer be offered")
    listing.add_argument("--archive", nargs="+", default=[], metavar="ID", help="take these off sale first")
    leaving = add(
        "leftovers",
        _leftovers,
        "list what an earlier release left: entries that wait, cards that nobody chose, misplaced purchases, payments "
        "that are open at Stripe",
    )
    leaving.add_argument(
        "--repair",
        action="store_true",
        help="credit entries to the customer, or drop them; take buyers' cards from other customers; cancel payments",
    )
    leaving.add_argument("--release-cards", action="store_true", help="take such cards from their subscriptions")
    leaving.add_argument("--connect", nargs="+", default=[], metavar="ID", help="connect the places of these benefits")
    add("up", _up, "start the stack, or what of it is down")
    add("down", _down, "end the stack; its data stay")
    add("status", _status, "say what runs, and whether it is ready")
    logs = add("logs", _logs, "show the logs of a service, or of everything")
    logs.add_argument("service", nargs="?", default="")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as they grow")
    logs.add_argument("-n", "--lines", type=int, default=50, help="how many lines of each (default 50)")
    reset = add("reset", _reset, "end the stack and remove all of its data")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    letters = add("dead-letters", _dead_letters, "list the messages that were set aside, with the reason")
    letters.add_argument("--limit", type=int, default=20, help="of each queue (default 20)")
    documents = add("openapi", _openapi, "write the OpenAPI documents and the types of the TypeScript client")
    documents.add_argument("--check", action="store_true", help="only compare with what is committed")
    schemas = add("contracts", lambda arguments: contracts.write(check=arguments.check), "write the event schemas")
    schemas.add_argument("--check", action="store_true", help="only compare with what is committed")
    linting = add(
        "lint", _lint, "ruff, mypy, import rules, Dockerfiles, and the committed OpenAPI documents and events"
    )
    linting.add_argument("paths", nargs="*", type=Path, metavar="path", help="check only these, by ruff and mypy")
    only = linting.add_mutually_exclusive_group()
    only.add_argument("--fix", action="store_true", help="repair what ruff and biome can repair by themselves")
    only.add_argument("--types", action="store_true", help="mypy alone")
    serving = add("serve", _serve, "run one half of the stack in the foreground until Ctrl-C")
    serving.add_argument(
        "half", choices=list(development.HALVES), help="what answers requests, or what works off events"
    )
    add("migrate", lambda _: development.migrate(_stack()), "start the servers and bring every database up to date")
    add("recreate-databases", lambda _: development.recreate(_stack()), "drop every database of a development stack")
    add("samples", _samples, "start everything and load sample products, customers and purchases")
    # Options are pnpm's own: nothing that follows begins with this prefix.
    node = commands.add_parser("pnpm", help="run pnpm in clients/, with Node", prefix_chars="\0", add_help=False)
    node.set_defaults(run=lambda arguments: pages.pnpm(arguments.words))
    node.add_argument("words", nargs=argparse.REMAINDER, metavar="argument", help="dev, lint, test, generate, build, …")
    add("emails", lambda _: emails.write(), "write every mail in every language, to look at in a browser")
    return parser


def _stack() -> Stack:
    """The stack of this checkout, with the settings it remembers: in containers where a Docker engine answers.

    POLAR_STACK names another one, with servers, ports and data of its own and no settings.
    """
    name = os.environ.get("POLAR_STACK") or "main"
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
        raise Failure("POLAR_STACK is a name of letters, digits and dashes", code=2)
    if name == "main":
        settings.recall(ROOT / ".polar")
    if compose.engine_answers():
        return compose.ComposedStack(name)
    return Stack(name, forked=name != "main")


def _up(_: argparse.Namespace) -> int:
    stack = _stack()
    before = {name for name, process in stack.processes.items() if process.pid is not None}
    try:
        started = stack.up()
    except BaseException:
        for name in [name for name in stack.processes if name not in before]:
            stack.processes[name].stop()
        raise
    kept = settings.remember(stack.folder)
    if kept:
        say(f"settings in {_relative(stack.folder / 'settings.env')}: {', '.join(kept)}")
    say(
        f"{'ready' if started else 'was ready already'}: {stack.url}  (a token is in {_relative(stack.folder / 'env')})"
    )
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    return development.serve(_stack(), arguments.half)


def _samples(arguments: argparse.Namespace) -> int:
    from polar_cli import samples

    if _up(arguments):
        raise Failure("the stack did not come up", hint="./polar status, ./polar logs")
    return samples.load(_stack())


def _lint(arguments: argparse.Namespace) -> int:
    paths = [path.resolve() for path in arguments.paths]
    if arguments.fix:
        return lint.fix(paths)
    return lint.types(paths) if arguments.types else lint.run(paths)


def _down(_: argparse.Namespace) -> int:
    stack = _stack()
    with step("ending the stack"):
        ended = stack.down()
    kind = "containers" if isinstance(stack, compose.ComposedStack) else "processes"
    say(f"{len(ended)} {kind} ended; ./polar up starts them again with their data")
    return 0


def _status(_: argparse.Namespace) -> int:
    stack = _stack()
    if isinstance(stack, compose.ComposedStack):
        return stack.run("ps", "--all", "--format", "table {{.Service}}\t{{.Status}}")
    rows = []
    for name, process in stack.processes.items():
        pid = process.pid
        state = "down" if pid is None else "ready" if process.ready() else "not ready"
        rows.append((name, state, pid or "", f"{_resident(pid):.0f}" if pid else ""))
    table(("process", "state", "pid", "MB resident"), rows)
    say(f"\n{stack.url}\npages: {stack.pages}")
    return 0 if all(row[1] == "ready" for row in rows) else 1


def _resident(pid: int) -> float:
    """Resident memory in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def _logs(arguments: argparse.Namespace) -> int:
    stack = _stack()
    if isinstance(stack, compose.ComposedStack):
        named = [f"{arguments.service}-{kind}" for kind in ("migrate", "api", "worker")]
        chosen = named if arguments.service in SERVICES else [arguments.service] if arguments.service else []
        follow = ["--follow"] if arguments.follow else []
        return stack.run("logs", "--no-color", "--tail", str(arguments.lines), *follow, *chosen)
    folder = stack.logs
    paths = sorted(path for path in folder.glob("*.log") if path.name.startswith(arguments.service))
    if not paths:
        raise Failure(f"no logs of {arguments.service or 'anything'} in {_relative(folder)}", hint="./polar status")
    follow = ["-F"] if arguments.follow else []
    return subprocess.run(["tail", "-n", str(arguments.lines), *follow, *map(str, paths)], check=False).returncode


def _reset(arguments: argparse.Namespace) -> int:
    stack = _stack()
    if not arguments.yes:
        if not sys.stdin.isatty():
            raise Failure("reset removes every order and customer of this stack", hint="./polar reset --yes", code=2)
        if input("Remove all data of this stack? Type yes: ").strip() != "yes":
            return 1
    with step("ending the stack and removing its data"):
        stack.reset()
    return 0


def _dead_letters(arguments: argparse.Namespace) -> int:
    return dead_letters.show(_stack().management, arguments.limit)


def _rebuild(arguments: argparse.Namespace) -> int:
    return _stack().rebuild(arguments.service, empty=arguments.empty)


def _audit(arguments: argparse.Namespace) -> int:
    stack = _stack()
    if isinstance(stack, compose.ComposedStack):
        return stack.audit(arguments.organization)
    return audit.run(stack, arguments.organization)


def _leftovers(arguments: argparse.Namespace) -> int:
    stack = _stack()
    lists = (
        leftovers.run(stack, repaired=arguments.repair, released=arguments.release_cards),
        leftovers.misplaced(stack, repaired=arguments.repair),
        leftovers.exposed(stack, repaired=arguments.repair),
        leftovers.connect(stack, arguments.connect),
    )
    return max(lists)


def _prices(arguments: argparse.Namespace) -> int:
    return prices.run(_stack(), arguments.archive)


def _test(arguments: argparse.Namespace) -> int:
    return testing.run(arguments.groups, arguments.expression, keep=arguments.keep, quick=arguments.quick)


def _model(arguments: argparse.Namespace) -> int:
    from polar_cli import model

    return model.run(arguments.minutes, arguments.seed, arguments.script)


def _demo(arguments: argparse.Namespace) -> int:
    from polar_cli import demo

    if _up(arguments):
        raise Failure("the stack did not come up", hint="./polar status, ./polar logs")
    stack = _stack()
    return demo.run(stack, arguments.purchases, in_containers=isinstance(stack, compose.ComposedStack))


def _prove(arguments: argparse.Namespace) -> int:
    from polar_cli.prove import run

    only = tuple(part for part in arguments.only.split(",") if part)
    purchases = arguments.purchases or max(int(arguments.minutes * 60), 1)
    return run.run(purchases, arguments.minutes, arguments.seed, only, tuple(arguments.plant), forked=arguments.forked)


def _mixed_versions(arguments: argparse.Namespace) -> int:
    from polar_cli.prove import old_rows, versions

    commit = arguments.released or versions.released()
    left = old_rows.run(commit)
    return left if arguments.leftovers else versions.run(arguments.purchases, commit) or left


def _bench(arguments: argparse.Namespace) -> int:
    from polar_cli import (
        bench,
        bench_api,
        bench_grants,
        bench_history,
        bench_ingest,
        bench_purchases,
        bench_renewals,
        bench_webhooks,
    )

    benches = {
        "api": bench_api.api,
        "events": bench.events,
        "grants": bench_grants.grants,
        "history": bench_history.history,
        "ingest": bench_ingest.ingest,
        "purchases": bench_purchases.purchases,
        "renewals": bench_renewals.renewals,
        "webhooks": bench_webhooks.webhooks,
    }
    return benches[arguments.what]()


def _openapi(arguments: argparse.Namespace) -> int:
    status = openapi.write(check=arguments.check)
    if not arguments.check:
        try:
            pages.generate()
        except Failure as failure:
            say(f"the types of the TypeScript client are not written: {failure}")
            return 1
    return status


def _audit_dependencies(_: argparse.Namespace) -> int:
    return vulnerabilities.audit()


def _kubernetes_secrets(arguments: argparse.Namespace) -> int:
    say(yaml.safe_dump_all(kubernetes.new_secrets(arguments.namespace, dict(os.environ)), sort_keys=False))
    return 0


def _relative(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
