"""`./polar audit-dependencies`: the locked packages against the databases of known vulnerabilities.

Python's lock is asked about by pip-audit, that of `clients/` by `pnpm audit`. A source that does not answer, or knows
nothing, must not look like a clean audit: a package with vulnerabilities that everybody knows is asked about first.
"""

import json
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from polar_cli import packages, pages
from polar_cli.console import Failure, say, step
from polar_cli.state import ROOT

WAIVERS = ROOT / ".ci" / "vulnerabilities.toml"
_AUDITOR = "pip-audit==2.10.1"
_CANARY = "jinja2==2.10"
"""Has had known vulnerabilities since 2019 (CVE-2019-10906)."""
_NPM_CANARY = {
    "package.json": '{"name": "canary", "version": "1.0.0", "dependencies": {"minimist": "0.0.8"}}',
    "pnpm-lock.yaml": """\
lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      minimist: {specifier: 0.0.8, version: 0.0.8}
packages:
  minimist@0.0.8:
    resolution:
      integrity: sha512-miQKw5Hv4NS1Psg2517mV4e4dYNaO3++hjAvLOAzKqZ61rH8NS1SK+vbfBWZ5PY/Me/bEWhUwqMghEW5Fb9T7Q==
snapshots:
  minimist@0.0.8: {}
""",
}
"""A workspace whose one package has had known vulnerabilities since 2020 (CVE-2020-7598)."""
_SECONDS = 120


@dataclass(frozen=True)
class Vulnerability:
    """One known vulnerability of a locked package, with the versions that repair it."""

    package: str
    version: str
    id: str
    aliases: tuple[str, ...]
    repaired_in: tuple[str, ...]

    def __str__(self) -> str:
        repaired = f"repaired in {', '.join(self.repaired_in)}" if self.repaired_in else "not repaired yet"
        return f"{self.package} {self.version}: {' '.join((self.id, *self.aliases))}, {repaired}"


def audit() -> int:
    """Returns 1 when something is known that is not waived, or a waiver has ended; 0 otherwise.

    0 also when a source could not be asked, which it says: a machine without a network cannot know.
    """
    waived, expired = waivers(tomllib.loads(WAIVERS.read_text()), datetime.now(UTC).date())
    sources: dict[str, Callable[[], list[Vulnerability] | None]] = {"uv.lock": _of_python, "pnpm-lock.yaml": _of_npm}
    known, left_out = [], []
    for lock, ask in sources.items():
        with step(f"asking for known vulnerabilities of {lock}"):
            found = ask()
        if found is None:
            say(f"  left out: no source of vulnerabilities of {lock} can be reached from here")
            left_out.append(lock)
        known += found or []
    open_ = [one for one in known if not {one.id, *one.aliases} & waived]
    for one in open_:
        say(f"✗ {one}")
    for id in expired:
        say(f"✗ the waiver of {id} has ended: look at it again")
    asked = " and ".join(lock for lock in sources if lock not in left_out)
    if known:
        say(f"{len(known)} known, {len(known) - len(open_)} waived")
    elif asked:
        say(f"no vulnerability of {asked} is known")
    return 1 if open_ or expired else 0


def _of_python() -> list[Vulnerability] | None:
    """What is known of the packages of uv.lock; None where that cannot be asked."""
    return found_by(_ask(_locked())) if found_by(_ask(_CANARY)) else None


def _of_npm() -> list[Vulnerability] | None:
    """What is known of the packages of `clients/`; None where that cannot be asked."""
    locked = {name: (pages.CLIENTS / name).read_text() for name in ("package.json", "pnpm-lock.yaml")}
    return found_by_npm(_ask_npm(locked)) if found_by_npm(_ask_npm(_NPM_CANARY)) else None


def waivers(document: dict[str, Any], today: date) -> tuple[set[str], list[str]]:
    """The ids that are waived, and those whose waiver has ended. Raises `Failure` for one without reason or end."""
    waived, expired = set(), []
    for entry in document.get("waived", []):
        if not entry.get("reason") or not isinstance(entry.get("until"), date) or not entry.get("id"):
            raise Failure(f"a waiver needs id, reason and until: {entry}", hint=str(WAIVERS), code=2)
        waived.add(entry["id"])
        if entry["until"] < today:
            expired.append(entry["id"])
    return waived, expired


def found_by(report: dict[str, Any]) -> list[Vulnerability]:
    """What pip-audit's JSON says; packages that it could not ask about have none."""
    return [
        Vulnerability(
            package["name"], package["version"], one["id"], tuple(one.get("aliases", ())), tuple(one["fix_versions"])
        )
        for package in report.get("dependencies", [])
        for one in package.get("vulns", ())
    ]


def found_by_npm(report: dict[str, Any]) -> list[Vulnerability]:
    """What the JSON of `pnpm audit` says: one entry a package, version and advisory."""
    return [
        Vulnerability(
            one["module_name"], finding["version"], str(one.get("github_advisory_id") or one["id"]),
            tuple(one.get("cves", ())), (one["patched_versions"],) if one.get("patched_versions") else (),
        )
        for one in report.get("advisories", {}).values()
        for finding in one["findings"]
    ]  # fmt: skip


def _ask_npm(files: dict[str, str]) -> dict[str, Any]:
    """The report of `pnpm audit` on a lock file; an empty one without Node, pnpm or an answer of the registry."""
    try:
        environment = pages.tools()
    except Failure:
        return {}
    program = shutil.which("pnpm", path=environment["PATH"])
    if program is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_text(content)
        try:
            done = subprocess.run(
                [program, "audit", "--json"], cwd=folder, env=environment, capture_output=True, text=True, check=False,
                timeout=_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {}
    return _report(done.stdout)


def _locked() -> str:
    """The packages of uv.lock, without our own."""
    command = [packages.uv(), "export", "--quiet", "--frozen", "--all-packages", "--no-emit-workspace", "--no-hashes"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _ask(requirements: str) -> dict[str, Any]:
    """pip-audit's report; an empty one when it cannot be installed, or its source cannot be reached."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text(requirements)
        command = [
            packages.uv(),
            "tool",
            "run",
            "--quiet",
            _AUDITOR,
            "--requirement",
            str(path),
            "--no-deps",
            "--disable-pip",
        ]
        command += ["--format", "json", "--progress-spinner", "off", "--timeout", "5"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            return {}
    return _report(done.stdout)


def _report(output: str) -> dict[str, Any]:
    try:
        report = json.loads(output)
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}
