"""Private PostgreSQL, RabbitMQ and nginx of a stack, all on 127.0.0.1, none of them the system's own."""

import base64
import hashlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from polar_cli import packages, pages
from polar_cli.console import Failure
from polar_cli.processes import Process, answers
from polar_cli.state import ROOT, SERVICES, State

GATEWAY = ROOT / "deploy" / "gateway"
CLEAN = {
    "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": os.environ.get("HOME", "/"),
}


def listens(port: int) -> bool:
    """Whether somebody accepts connections on a port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def own(path: Path, user: str) -> Path:
    """A folder of a server's user, closed to others; when we are not root everything is ours anyway."""
    path.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
    path.chmod(0o700)
    return path


def postgres(state: State, data: Path, log: Path, *, durable: bool) -> Process:
    """PostgreSQL with a superuser `polar`. Not durable: it survives a kill, but not a power cut; for tests only."""
    folder = data / "postgres"

    def initialize() -> None:
        own(folder, "postgres")
        if (folder / "data" / "PG_VERSION").exists():
            return
        binaries = _required(packages.postgres_bin(), "postgresql")
        password = own(folder, "postgres") / "password"
        password.write_text(state.secret("postgres"))
        if os.geteuid() == 0:
            shutil.chown(password, "postgres", "postgres")
        command = [
            str(binaries / "initdb"), "--no-sync", "--auth=scram-sha-256", "--username=polar", "--encoding=UTF8",
            "--locale=C.UTF-8", f"--pwfile={password}", "-D", str(folder / "data"),
        ]  # fmt: skip
        identity: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        done = subprocess.run(command, capture_output=True, text=True, env=CLEAN, cwd=folder, check=False, **identity)
        password.unlink()
        if done.returncode:
            raise Failure(f"initdb failed:\n{done.stderr}")

    def command() -> list[str]:
        options = {
            "port": state.port("postgres"), "listen_addresses": "127.0.0.1", "unix_socket_directories": folder,
            "max_connections": 400, "shared_buffers": "128MB", "fsync": "on" if durable else "off",
            "synchronous_commit": "on", "full_page_writes": "on" if durable else "off",
            "log_min_messages": "warning",
            # Without the DETAIL lines, which repeat the values of rows: addresses and names.
            "log_error_verbosity": "terse",
        }  # fmt: skip
        if not durable:
            options |= {"wal_level": "minimal", "max_wal_senders": 0, "max_wal_size": "2GB"}
        binaries = _required(packages.postgres_bin(), "postgresql")
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(binaries / "postgres"), "-D", str(folder / "data"), *settings]

    def ready() -> bool:
        binaries = _required(packages.postgres_bin(), "postgresql")
        probe = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(state.port("postgres"))]
        return subprocess.run(probe, check=False, env=CLEAN).returncode == 0

    return Process(
        name="postgres",
        state=state,
        command=command,
        environment=lambda: CLEAN,
        ready=ready,
        log=log,
        user="postgres",
        folder=Path("/"),
        whole_group=False,
        graceful=signal.SIGINT,
        before=initialize,
    )


def wait_for_backends(data: Path) -> None:
    """Waits until every process of a killed PostgreSQL is gone: until then its data are still in use.

    Each backend leads a session of its own, and when their parent is dead only their working directory names them.
    """
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and any(_works_in(entry, data) for entry in Path("/proc").iterdir()):
        time.sleep(0.05)


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return process.name.isdigit() and (process / "cwd").readlink() == folder
    except OSError:
        return False


def rabbitmq(state: State, data: Path, log: Path) -> Process:
    """RabbitMQ with the management API and an administrator `polar`."""
    folder = data / "rabbitmq"

    def environment() -> dict[str, str]:
        return {
            **CLEAN,
            "HOME": str(folder),
            "RABBITMQ_NODENAME": "polar@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(state.port("rabbitmq")),
            "RABBITMQ_DIST_PORT": str(state.port("rabbitmq-distribution")),
            "ERL_EPMD_PORT": str(state.port("rabbitmq-epmd")),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
            ),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        }

    def configure() -> None:
        own(folder, "rabbitmq")
        lines = [
            "default_user = polar",
            f"default_pass = {state.secret('rabbitmq')}",
            "management.tcp.ip = 127.0.0.1",
            f"management.tcp.port = {state.port('rabbitmq-management')}",
            "log.console = true",
            "log.console.level = warning",
            "log.file = false",
            "vm_memory_high_watermark.absolute = 1GB",
        ]
        (folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
        if os.geteuid() == 0:
            for path in (folder / "rabbitmq.conf", folder / "enabled_plugins"):
                shutil.chown(path, "rabbitmq", "rabbitmq")
        # epmd first and apart, so that it does not hold the broker's files open, nor ends with it.
        if not listens(state.port("rabbitmq-epmd")):
            epmd = shutil.which("epmd", path=CLEAN["PATH"])
            identity: dict[str, Any] = {"user": "rabbitmq", "group": "rabbitmq"} if os.geteuid() == 0 else {}
            subprocess.run([str(epmd), "-daemon"], env=environment(), cwd="/", check=True, **identity)

    def ready() -> bool:
        return listens(state.port("rabbitmq")) and Management(state).answers()

    return Process(
        name="rabbitmq",
        state=state,
        command=lambda: [str(_required(packages.rabbitmq_bin(), "rabbitmq-server") / "rabbitmq-server")],
        environment=environment,
        ready=ready,
        log=log,
        user="rabbitmq",
        folder=Path("/"),
        whole_group=True,
        before=configure,
    )


def stop_epmd(state: State) -> None:
    """Ends the port mapper of this stack's broker."""
    if state.get("port:rabbitmq-epmd") and listens(state.port("rabbitmq-epmd")):
        epmd = shutil.which("epmd", path=CLEAN["PATH"])
        environment = {**CLEAN, "ERL_EPMD_PORT": str(state.port("rabbitmq-epmd"))}
        subprocess.run([str(epmd), "-kill"], env=environment, capture_output=True, check=False)


class Management:
    """The management API of a broker."""

    def __init__(self, state: State) -> None:
        self._url = os.environ.get("POLAR_RABBITMQ_MANAGEMENT_URL") or (
            f"http://polar:{state.secret('rabbitmq')}@127.0.0.1:{state.port('rabbitmq-management')}"
        )

    @property
    def url(self) -> str:
        """The address, with user and password."""
        return self._url

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Calls `/api/<path>`. Raises `Failure` with what the broker said."""
        scheme, _, rest = self._url.partition("://")
        credentials, _, host = rest.rpartition("@")
        request = urllib.request.Request(
            f"{scheme}://{host.rstrip('/')}/api/{path}",
            json.dumps(body).encode() if body is not None else None,
            {"Content-Type": "application/json"},
            method=method,
        )
        request.add_header("Authorization", f"Basic {base64.b64encode(credentials.encode()).decode()}")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                content = response.read()
        except urllib.error.HTTPError as error:
            raise Failure(f"RabbitMQ refused {method} {path}: {error.code} {error.read().decode()[:300]}") from None
        return json.loads(content) if content else None

    def answers(self) -> bool:
        """Whether the broker is up and lets us in."""
        try:
            self.call("GET", "overview")
        except (OSError, Failure, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Limits:
    """The gateway's limits: requests a second for one token of each kind (`public`: for one address, without a token or
    at a route that needs none; `processor`: for Stripe's call-backs; `pages`: for web pages and their files), how many
    may come at once, and login codes a minute for one address.
    """

    organization: int = 100
    personal: int = 50
    customer: int = 20
    public: int = 30
    processor: int = 500
    pages: int = 100
    burst: int = 200
    logins_per_minute: int = 6
    logins_burst: int = 10

    @classmethod
    def none(cls) -> "Limits":
        """For stacks that are measured or tested, not attacked."""
        return cls(*[10_000] * 9)

    def environment(self) -> dict[str, str]:
        """What the configuration's template is filled in with."""
        names = {"burst", "logins_per_minute", "logins_burst"}
        return {
            f"GATEWAY_{name.upper()}" if name in names else f"GATEWAY_RATE_{name.upper()}": str(value)
            for name, value in vars(self).items()
        }


def gateway(
    state: State,
    data: Path,
    log: Path,
    listen_port: int,
    limits: Limits,
    name: str = "gateway",
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Process:
    """nginx with the configuration of `deploy/gateway`, and the pages where they are built.

    An operator's `settings`, by name, win over `limits`.
    """
    folder = data / "gateway"
    user = "www-data"

    def values() -> dict[str, str]:
        return {
            "GATEWAY_LISTEN": f"127.0.0.1:{listen_port}",
            "GATEWAY_LOOKUPS": f"127.0.0.1:{state.port(f'{name}.lookups')}",
            "GATEWAY_RUN": str(folder / "run"),
            "GATEWAY_CACHE": str(in_memory(folder)),
            "GATEWAY_CONFIG": str(folder / "config"),
            "GATEWAY_PAGES": str(folder / "pages"),
            "GATEWAY_ERROR_LOG": "stderr",
            "GATEWAY_ACCESS_LOG": str(folder / "access.log"),
            "GATEWAY_WORKERS": "1",
            **limits.environment(),
            **settings,
            **{f"{service.upper()}_UPSTREAM": f"127.0.0.1:{state.port(f'{service}.api')}" for service in SERVICES},
        }

    def configure() -> None:
        own(folder, user)
        own(folder / "run", user)
        forget(in_memory(folder))
        in_memory(folder).mkdir(mode=0o700)
        own(in_memory(folder), user)
        pages.publish(folder / "pages")
        config = folder / "config"
        config.mkdir(exist_ok=True)
        for path in GATEWAY.iterdir():
            if path.suffix in {".conf", ".json"}:
                shutil.copy(path, config / path.name)
        (folder / "nginx.conf").write_text(rendered(values()))
        (folder / "access.log").touch()
        shown = log.with_suffix(".access.log")
        if not shown.is_symlink():
            log.parent.mkdir(parents=True, exist_ok=True)
            shown.symlink_to(folder / "access.log")
        if os.geteuid() == 0:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, user, user)

    def made_of() -> str:
        paths = [path for path in sorted(GATEWAY.iterdir()) if path.is_file()]
        return hashlib.sha256(json.dumps(values()).encode() + b"".join(map(Path.read_bytes, paths))).hexdigest()

    def command() -> list[str]:
        program = _required(packages.nginx(), "nginx")
        return [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]

    return Process(
        name=name,
        state=state,
        command=command,
        environment=lambda: CLEAN,
        ready=lambda: answers(f"http://127.0.0.1:{listen_port}/healthz"),
        log=log,
        user=user,
        folder=Path("/"),
        whole_group=True,
        graceful=signal.SIGQUIT,
        patience=5,
        before=configure,
        made_of=made_of,
    )


def in_memory(folder: Path) -> Path:
    """Where a gateway keeps its cache, whose keys are tokens: in memory, so that none reaches a disk.

    PostgreSQL needs /dev/shm, too.
    """
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return Path("/dev/shm") / f"polar-{os.getuid()}-{name}"


def forget(folder: Path) -> None:
    """Removes a folder that `in_memory` named. Raises `Failure` where it is somebody else's."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.is_symlink() or folder.exists():
        raise Failure(f"{folder} is in the way and cannot be removed", hint=f"remove it: rm -r {folder}")


def rendered(values: Mapping[str, str]) -> str:
    """nginx's configuration for these values, as the image writes it, too. Raises `Failure` for one that is no good."""
    command = ["/bin/sh", str(GATEWAY / "configure.sh"), str(GATEWAY / "nginx.conf.template")]
    done = subprocess.run(command, env={**CLEAN, **values}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(done.stderr.strip())
    return done.stdout


def _required(found: Any, package: str) -> Any:
    if found is None:
        raise Failure(f"{package} is not installed", hint=f"run as root: apt-get install {package}", code=3)
    return found
