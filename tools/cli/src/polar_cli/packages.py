"""The system's own packages: PostgreSQL, RabbitMQ and nginx from Debian, installed where we may."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from polar_cli.console import Failure, step
from polar_cli.state import ROOT

_POLICY = Path("/usr/sbin/policy-rc.d")


def postgres_bin() -> Path | None:
    """The newest installed PostgreSQL's programs, if it is 15 or newer."""
    found = [
        path
        for path in Path("/usr/lib/postgresql").glob("*/bin")
        if path.parent.name.isdigit() and int(path.parent.name) >= 15 and (path / "initdb").exists()
    ]
    return max(found, key=lambda path: int(path.parent.name)) if found else None


def rabbitmq_bin() -> Path | None:
    """RabbitMQ's programs: not those in /usr/sbin, which change the user by themselves."""
    path = Path("/usr/lib/rabbitmq/bin")
    return path if (path / "rabbitmq-server").exists() else None


def nginx() -> str | None:
    """The nginx program."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def ensure(*, own_postgres: bool, own_rabbitmq: bool) -> None:
    """Installs what is missing. Raises `Failure` with exit code 3 and the exact command where it may not."""
    missing = []
    if own_postgres and postgres_bin() is None:
        missing.append("postgresql")
    if own_rabbitmq and rabbitmq_bin() is None:
        missing.append("rabbitmq-server")
    if nginx() is None:
        missing.append("nginx-light" if _is_available("nginx-light") else "nginx")
    _ensure(missing)


def uv() -> str:
    """The program that installs Python packages; `./polar` brings one where the system has none."""
    own = ROOT / ".polar" / "uv" / "bin" / "uv"
    return os.environ.get("POLAR_UV") or shutil.which("uv") or str(own)


def wrk() -> str:
    """The program that asks as often as it can, for the benches; installed like the servers."""
    if shutil.which("wrk") is None:
        _ensure(["wrk"])
    return shutil.which("wrk") or "wrk"


def chromium() -> str:
    """The browser that tests the pages; installed like the servers. Raises `Failure` where it may not be."""
    if shutil.which("chromium") is None:
        _ensure(["chromium"])
    return shutil.which("chromium") or "chromium"


def _ensure(missing: list[str]) -> None:
    if not missing:
        return
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    prefix = _root_prefix()
    if prefix is None or shutil.which("apt-get") is None:
        raise Failure(
            f"{', '.join(missing)} must be installed",
            hint=f"run as root: apt-get update && {' '.join(part for part in command if part != '-qq')}",
            code=3,
        )
    with step(f"installing {', '.join(missing)} with apt"):
        _install(prefix, command)


def _is_available(package: str) -> bool:
    done = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, check=False)
    return "Candidate:" in done.stdout and "(none)" not in done.stdout.partition("Candidate:")[2].splitlines()[0]


def _root_prefix() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def _install(prefix: list[str], command: list[str]) -> None:
    """Installs without starting the packages' own servers: we run private ones."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    held = not _POLICY.exists()
    if held:
        subprocess.run(
            [*prefix, "sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' > {_POLICY} && chmod 755 {_POLICY}"], check=True
        )
    try:
        for attempt in (["apt-get", "update", "-qq"], command):
            options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
            done = subprocess.run([*prefix, *attempt], env=environment, check=False, **options)
            if done.returncode:
                raise Failure(f"{' '.join(attempt)} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    finally:
        if held:
            subprocess.run([*prefix, "rm", "-f", str(_POLICY)], check=False)
