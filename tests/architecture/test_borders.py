"""Who may import whom, and where things stand."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT, SERVICES, called, package, parsed, sources

RESOURCE_FILES = {"routes", "schemas", "operations", "queries", "models", "events", "consumers", "timers", "__init__"}
SERVICE_FILES = {"app", "worker", "settings", "database", "models", "commands", "invariants", "projections", "__init__"}
BUSINESS_NOUNS = re.compile(
    r"\b(orders?|products?|prices?|customers?|subscriptions?|checkouts?|discounts?|benefits?|grants?|invoices?|"
    r"refunds?|licen[sc]e|merchants?|stripe)\b",
    re.IGNORECASE,
)


def test_imports_go_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_a_resource_folder_holds_files_of_the_known_names(service: str) -> None:
    """A verb that outgrew `operations.py` has a file of its own, which only operations of the resource may be."""
    for path in package(service).glob("*.py"):
        assert path.stem in SERVICE_FILES, f"{path.relative_to(ROOT)}: what is it?"
    for folder in package(service).iterdir():
        if not folder.is_dir() or folder.name == "__pycache__":
            continue
        for path in folder.rglob("*.py"):
            if path.stem in RESOURCE_FILES:
                continue
            text = path.read_text()
            assert ast.get_docstring(parsed(path)), f"{path.relative_to(ROOT)} does not say why it is there"
            assert "APIRouter" not in text, f"{path.relative_to(ROOT)} has routes"
            assert "ResourceRouter" not in text, f"{path.relative_to(ROOT)} has routes"


@pytest.mark.parametrize("service", SERVICES)
def test_routes_stand_in_the_folder_of_their_url(service: str) -> None:
    for path in package(service).rglob("routes.py"):
        prefixes = re.findall(r'ResourceRouter\(\s*"/([^"]*)"', path.read_text())
        folder = path.parent.name.replace("_", "-")
        for prefix in prefixes:
            # /integrations/<processor> is where the outside calls back, /customer-portal/<resource> is its twin
            segments = [part for part in prefix.split("/") if part not in {"integrations", "customer-portal"}]
            singular = folder.removesuffix("s")
            known = {folder, singular} & set(segments) or "integrations" in prefix
            assert known, f"{path.relative_to(ROOT)} serves /{prefix}"


IDS_OF_PRINCIPALS = {"customer_id", "checkout_id"}


def test_the_kit_knows_no_word_of_the_business() -> None:
    for path in sources("libs/servicekit/src"):
        for node in ast.walk(parsed(path)):
            names = [getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "name", None)]
            for name in filter(None, names):
                if isinstance(name, str) and name not in IDS_OF_PRINCIPALS | {"order", "order_by", "in_order"}:
                    words = name.replace("_", " ")
                    assert not BUSINESS_NOUNS.search(words), f"{path.relative_to(ROOT)}:{node.lineno} says {name}"


def test_no_file_is_longer_than_a_sitting() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "libs", ROOT / "services", ROOT / "tools", ROOT / "tests")
        for path in path.rglob("*.py")
        if (lines := path.read_text().count("\n")) > 500 and ".venv" not in path.parts
    }
    assert long == {}


def test_nothing_is_postponed_in_a_comment() -> None:
    marks = re.compile(r"#.*\b(" + "TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources("libs", "services", "tools")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if marks.search(line)
    ]
    assert found == []


def test_instants_come_from_the_clock() -> None:
    forbidden = {
        "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
        "datetime.datetime.now", "datetime.date.today",
    }  # fmt: skip
    found = [
        f"{path.relative_to(ROOT)} calls {name}"
        for path in sources("libs/servicekit/src", "services")
        if path.name != "clock.py"
        for name in called(parsed(path))
        if name in forbidden
    ]
    assert found == []


def test_only_the_edge_commits_and_only_the_outbox_publishes() -> None:
    found = [
        f"{path.relative_to(ROOT)} calls {name}"
        for path in sources("services")
        for name in called(parsed(path))
        if name.endswith((".commit", ".rollback", ".publish", ".basic_publish"))
    ]
    assert found == []


def test_sql_never_runs_the_database_s_own_clock() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources("services", "libs/servicekit/src")
        if path.name != "migrations.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"\bnow\(\)", line) and "clock.now()" not in line and "def now()" not in line
        if re.search(r"func\.now\(\)|current_timestamp|[\s(=<>]now\(\)", line, re.IGNORECASE)
        and not re.search(r"^\s*(now = |from )|= now\(\)|, now\(\)", line)
    ]
    assert found == []


QUERIES = {"select", "update", "delete", "session.get", "text"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_query_of_a_caller_stays_inside_what_it_owns(service: str) -> None:
    """A function that is given a principal and queries, must narrow the query with `owned_by`, or hand the principal
    on to one that does."""
    found = []
    for path in package(service).rglob("*.py"):
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            arguments = {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
            if "principal" not in arguments:
                continue
            names = set(called(node))
            hands_on = any(
                isinstance(inner, ast.Name) and inner.id == "principal"
                for call in ast.walk(node)
                if isinstance(call, ast.Call)
                for inner in (*call.args, *(keyword.value for keyword in call.keywords))
            )
            queries = names & QUERIES
            if queries and not any(name.endswith("owned_by") for name in names) and not hands_on:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert found == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_outside_is_never_called_inside_a_transaction(service: str) -> None:
    """A function that takes the caller's `session` is inside a transaction: it may not be given a client as well."""
    outside = {"client", "http", "processor", "stripe"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in package(service).rglob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and {"session"} <= {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
        and outside & {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
    ]
    assert found == []


def test_due_work_is_claimed_on_the_clock_of_its_organization() -> None:
    """What takes rows with SKIP LOCKED asks `timers.due`, or goes by the machine's clock and says so (`clock.wall`)."""
    found = []
    for path in sources("services"):
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            text = ast.unparse(node)
            late = {"now", "clock.now()"} & {
                ast.unparse(side)
                for compared in ast.walk(node)
                if isinstance(compared, ast.Compare)
                for side in (compared.left, *compared.comparators)
            }
            is_right = "now = clock.wall()" in text or re.search(r"\bdue\(", text)
            if "skip_locked=True" in text and "clock.now()" in text and late and not is_right:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert found == []


def asks_due(service: str, module: str, seen: set[str]) -> bool:
    """Whether a module of a service, or one that it imports, claims through `timers.due`."""
    path = ROOT / "services" / service / "src" / f"{module.replace('.', '/')}.py"
    if module in seen or not path.exists():
        return False
    seen.add(module)
    imports = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.ImportFrom) and node.module]
    if any(node.module == "servicekit.timers" and any(n.name == "due" for n in node.names) for node in imports):
        return True
    if "timers.due(" in path.read_text():
        return True
    inner = [name for node in imports for name in (node.module, *(f"{node.module}.{n.name}" for n in node.names))]
    return any(asks_due(service, name, seen) for name in inner if name and name.startswith(f"{service}."))


@pytest.mark.parametrize("service", SERVICES)
def test_a_timer_follows_test_clocks_or_says_that_it_does_not(service: str) -> None:
    """A timer's work claims through `timers.due`, or the timer has `follows_clocks=False`.

    One that does neither would keep every test clock from going on: its service could not answer.
    """
    worker = parsed(package(service) / "worker.py")
    origin = {
        name.asname or name.name: node.module
        for node in ast.walk(worker)
        if isinstance(node, ast.ImportFrom) and node.module
        for name in node.names
    }
    made_of = {
        ast.unparse(target): node.value
        for node in ast.walk(worker)
        if isinstance(node, ast.Assign)
        for target in node.targets
    }
    for item in (item for node in ast.walk(worker) if isinstance(node, ast.AsyncWith) for item in node.items):
        if item.optional_vars is not None:
            made_of[ast.unparse(item.optional_vars)] = item.context_expr
    for node in ast.walk(worker):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) != "Timer":
            continue
        if any(keyword.arg == "follows_clocks" for keyword in node.keywords):
            continue
        names = {inner.id for inner in ast.walk(node.args[1]) if isinstance(inner, ast.Name)}
        names |= {
            inner.id
            for name in names & set(made_of)
            for inner in ast.walk(made_of[name])
            if isinstance(inner, ast.Name)
        }
        modules = {origin[name] for name in names & set(origin)}
        assert any(asks_due(service, module, set()) for module in modules), (
            f"{service}/worker.py:{node.lineno}: {ast.unparse(node.args[0])} claims past timers.due; "
            "if it is to go by the machine's clock, say follows_clocks=False"
        )
