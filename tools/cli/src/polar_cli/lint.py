"""`./polar lint`: what can be checked without running anything, and what of it repairs itself."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from polar_cli import compose, contracts, openapi, pages
from polar_cli.console import Failure, say, step
from polar_cli.state import ROOT


def run(paths: Sequence[Path] = ()) -> int:
    """Every check; of some `paths` those that can be asked of a file alone. Prints what failed, and returns 1 then."""
    if paths:
        return _outcome(_failed({**_style(paths), **_types(paths)}))
    checks = {
        **_style(),
        **_types(),
        "import rules": [_tool("lint-imports"), "--no-cache"],
        "hadolint": [_tool("hadolint"), *map(str, sorted(ROOT.glob("*/*/Dockerfile")))],
    }
    if compose.is_installed():
        files = [argument for name in sorted(ROOT.glob("docker-compose*.yml")) for argument in ("--file", str(name))]
        checks["docker compose config"] = ["docker", "compose", *files, "config", "--no-interpolate", "--quiet"]
    else:
        say("docker compose config: left out, since docker compose is not installed here")
    failed = _failed(checks)
    if (problems := _pages_problems()) is not None:
        failed += ["clients"] if problems else []
        say("\n".join(problems) or "the pages and their client are right")
    if openapi.write(check=True):
        failed.append("openapi")
    if contracts.write(check=True):
        failed.append("contracts")
    return _outcome(failed)


def types(paths: Sequence[Path] = ()) -> int:
    """mypy alone. Returns 1 when it found something."""
    return _outcome(_failed(_types(paths)))


def fix(paths: Sequence[Path] = ()) -> int:
    """Repairs imports and format of Python and TypeScript. Returns 1 when something is left to a person."""
    failed = _failed(_style(paths, is_repaired=True))
    if paths:
        return _outcome(failed)
    try:
        problems = pages.repair()
    except Failure as failure:
        say(f"clients: left out, since Node or its packages cannot be had here: {failure}")
    else:
        failed += ["clients"] if problems else []
        say(problems or "the pages and their client are right")
    return _outcome(failed)


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _style(paths: Sequence[Path] = (), *, is_repaired: bool = False) -> dict[str, list[str]]:
    ruff, asked = _tool("ruff"), [str(path) for path in paths or (ROOT,)]
    options = ["--quiet", "--config", str(ROOT / "pyproject.toml")]
    return {
        "ruff check": [ruff, "check", *options, *(["--fix"] if is_repaired else []), *asked],
        "ruff format": [ruff, "format", *options, *([] if is_repaired else ["--check"]), *asked],
    }


def _types(paths: Sequence[Path] = ()) -> dict[str, list[str]]:
    return {"mypy": [_tool("mypy"), *map(str, paths or sorted(ROOT.glob("*/*/src")))]}


def _failed(checks: dict[str, list[str]]) -> list[str]:
    failed = []
    for name, command in checks.items():
        try:
            with step(name):
                subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        except subprocess.CalledProcessError as error:
            failed.append(name)
            say(error.stdout + error.stderr)
    return failed


def _outcome(failed: list[str]) -> int:
    say(f"failed: {', '.join(failed)}" if failed else "lint passed")
    return 1 if failed else 0


def _pages_problems() -> list[str] | None:
    """What is wrong with `clients/`; None where there is no Node to ask, and none can be had."""
    try:
        with step("biome and tsc of clients/"):
            return pages.check()
    except Failure as failure:
        say(f"clients: left out, since Node or its packages cannot be had here: {failure}")
        return None
