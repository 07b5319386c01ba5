"""`./polar audit-dependencies`: the locked packages against the database of known vulnerabilities, by pip-audit.

A source that does not answer, or knows nothing, must not look like a clean audit: a package with vulnerabilities that
everybody knows is asked about first.
"""

import json
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from polar_cli import packages
from polar_cli.console import Failure, say, step
from polar_cli.state import ROOT

WAIVERS = ROOT / ".ci" / "vulnerabilities.toml"
_AUDITOR = "pip-audit==2.10.1"
_CANARY = "jinja2==2.10"
"""Has had known vulnerabilities since 2019 (CVE-2019-10906)."""


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
    """Returns 0 when nothing is known that is not waived, or when no source could be asked, which it says; 1 else."""
    waived, expired = waivers(tomllib.loads(WAIVERS.read_text()), datetime.now(UTC).date())
    with step("asking for known vulnerabilities"):
        if not found_by(_ask(_CANARY)):
            say("  left out: no source of vulnerabilities can be reached from here")
            return 0
        known = found_by(_ask(_locked()))
    open_ = [one for one in known if not {one.id, *one.aliases} & waived]
    for one in open_:
        say(f"✗ {one}")
    for id in expired:
        say(f"✗ the waiver of {id} has ended: look at it again")
    say(f"{len(known)} known, {len(known) - len(open_)} waived" if known else "no vulnerability is known")
    return 1 if open_ or expired else 0


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
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
        except subprocess.TimeoutExpired:
            return {}
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {}
    return report
