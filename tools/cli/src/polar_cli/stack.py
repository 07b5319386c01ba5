"""A whole stack on this machine: servers, twelve service processes, the local Stripe and the gateway."""

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

from polar_cli import checksums, environments, forkserver, packages, pages, parts, provision, servers, settings
from polar_cli.console import Failure, say, step
from polar_cli.processes import Process
from polar_cli.servers import Limits
from polar_cli.state import ROOT, SERVICES, State, data_folder, is_free

Progress = Callable[[str], object]
_OWN = ("data", "env", "settings.env", "compose.env", "rabbitmq-definitions.json", "state.json", "state.lock")
SOCKET_PATH = 100
"""Characters that a socket's path may have, a little less than any system allows."""


class Stack:
    """One stack: `main` in `.polar`, `test` in `.polar/test`, each with its own servers, ports and databases.

    `limits` are the gateway's. With `workers` of 2 every service has a second worker; `through_proxies` gives services
    the ports `proxy:postgres` and `proxy:rabbitmq`. With `forked`, services are forked from one process that has their
    libraries imported, instead of being started one by one as they are when deployed.
    """

    def __init__(
        self,
        name: str = "main",
        *,
        limits: Limits = Limits(),
        durable: bool = True,
        workers: int = 1,
        through_proxies: bool = False,
        forked: bool = False,
    ) -> None:
        self.name = name
        self.folder = ROOT / ".polar" if name == "main" else ROOT / ".polar" / name
        self.state = State(self.folder)
        self.data = data_folder(self.folder)
        self.logs = self.folder / "logs"
        self.given = settings.given() if name == "main" else {}
        """The operator's settings; stacks of tests and benches have none, so that none of these changes a result."""
        settings.adopt(self.given, self.state)
        self.own_postgres = not os.environ.get("POLAR_POSTGRES_URL")
        self.own_rabbitmq = not os.environ.get("POLAR_RABBITMQ_URL")
        self.through_proxies = through_proxies
        self.extra_environment: dict[str, str] = {}
        """What services are started with besides."""
        self.pythons: dict[str, Path] = {}
        """Processes that run other code than this checkout's, by name: the interpreter that has it installed."""
        self.processes: dict[str, Process] = {}
        self._starting = threading.Lock()
        if self.own_postgres:
            self._add(servers.postgres(self.state, self.data, self.log_of("postgres"), durable=durable))
        if self.own_rabbitmq:
            self._add(servers.rabbitmq(self.state, self.data, self.log_of("rabbitmq")))
        if not self.real_stripe:
            self._add(parts.stripe(self))
        self._forkserver = self.data / "forkserver"
        self._is_forked = forked and len(str(self._forkserver)) <= SOCKET_PATH
        if self._is_forked:
            self._add(parts.fork_server(self, self._forkserver))
        for service in SERVICES:
            kinds = ["api", "worker", *(f"worker.{number}" for number in range(2, workers + 1))]
            for kind in kinds:
                self._add(self._service(service, kind))
        self._add(parts.gateway(self, limits))

    def card_form(self) -> dict[str, str]:
        """The gateway's settings of the pages' card form, where none are given: the local stand-in's."""
        if self.real_stripe:
            return {}
        return {
            "STRIPE_JS_URL": "/_stripe/stripe.js",
            "STRIPE_PUBLISHABLE_KEY": f"pk_test_{self.state.secret('stripe-key')}",
            "STRIPE_SANDBOX_UPSTREAM": f"127.0.0.1:{self.state.port('stripe')}",
        }

    def _add(self, process: Process) -> None:
        self.processes[process.name] = process

    def log_of(self, name: str) -> Path:
        """The file that a part's output is in."""
        return self.logs / f"{name}.log"

    def __getitem__(self, name: str) -> Process:
        """A process by its name: `billing.worker`, `rabbitmq`, `gateway`."""
        return self.processes[name]

    @property
    def gateway_port(self) -> int:
        """The port that clients call: 8000 or POLAR_PORT for `main`, a free one for the others."""
        return int(self.given.get("POLAR_PORT", "8000")) if self.name == "main" else self.state.port("gateway")

    @property
    def url(self) -> str:
        """The address that clients call."""
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def postgres_url(self) -> str:
        """The superuser's address."""
        own = f"postgresql://polar:{self.state.secret('postgres')}@127.0.0.1:{self.state.port('postgres')}/postgres"
        return own if self.own_postgres else os.environ["POLAR_POSTGRES_URL"]

    def address_of(self, role: str, password: str, database: str) -> str:
        """The address of a database for who runs here: over PostgreSQL's socket where that is possible.

        A round trip over it takes two thirds of the time, and of the CPU, that it takes over TCP.
        """
        server = urlsplit(self.postgres_url)
        folder = self.data / "postgres"
        is_reachable = len(f"{folder}/.s.PGSQL.{server.port}") <= SOCKET_PATH
        if self.own_postgres and is_reachable and not self.through_proxies:
            return f"postgresql://{role}:{password}@/{database}?host={quote(str(folder), safe='')}&port={server.port}"
        port = self.state.port("proxy:postgres") if self.through_proxies else server.port or 5432
        return f"postgresql://{role}:{password}@{server.hostname}:{port}/{database}"

    @property
    def rabbitmq_url(self) -> str:
        """The administrator's address."""
        own = f"amqp://polar:{self.state.secret('rabbitmq')}@127.0.0.1:{self.state.port('rabbitmq')}/"
        return own if self.own_rabbitmq else os.environ["POLAR_RABBITMQ_URL"]

    @property
    def management(self) -> servers.Management:
        """The broker's management API."""
        return servers.Management(self.state)

    @property
    def real_stripe(self) -> bool:
        """Whether the environment names a Stripe account of its own."""
        return "STRIPE_SECRET_KEY" in self.given

    @property
    def is_live(self) -> bool:
        """Whether that account takes real money: its first organization is then not in test mode."""
        return "_live_" in self.given.get("STRIPE_SECRET_KEY", "")

    @property
    def stripe_url(self) -> str:
        """The local Stripe."""
        return f"http://127.0.0.1:{self.state.port('stripe')}"

    def database_url(self, service: str) -> str:
        """A service's own address."""
        return self.address_of(service, self.state.secret(f"database:{service}"), service)

    def environment(self, service: str, process: str = "") -> dict[str, str]:
        """What a service's process is started with, and nothing of ours beside it."""
        return environments.of(self, service, process)

    def _service(self, service: str, kind: str) -> Process:
        process = parts.service(self, service, kind)
        if self._is_forked:
            process.before, process.forkserver = self._forkserver_up, self._forkserver
        return process

    def _forkserver_up(self) -> None:
        with self._starting:
            self["forkserver"].start()
            self["forkserver"].wait_ready()

    def servers_up(self) -> list[str]:
        """Starts PostgreSQL and RabbitMQ and fills them with what services need. Returns what was started."""
        packages.ensure(own_postgres=self.own_postgres, own_rabbitmq=self.own_rabbitmq)
        started = self._start(name for name in ("postgres", "rabbitmq") if name in self.processes)
        if started or self.state.get("provisioned") != provision.checksum():
            with step("roles, databases and broker users"):
                asyncio.run(provision.databases(self.state, self.postgres_url))
                provision.broker(self.state)
                self.state.set("provisioned", provision.checksum())
        return started

    def _launch(self, names: Iterable[str]) -> list[str]:
        """Starts processes and does not wait for them. Returns those that were started."""
        started = []
        for name in names:
            process = self.processes[name]
            if process.pid is None and self.state.get(f"port:{name}") and not is_free(self.state.port(name)):
                self.state.other_port(name)
            if process.start():
                started.append(name)
        return started

    def _await(self, names: Sequence[str], seconds: float = 90) -> None:
        if names:
            with step(f"starting {_spoken(names)}"), ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda name: self.processes[name].wait_ready(seconds), names))

    def _start(self, names: Iterable[str], seconds: float = 90) -> list[str]:
        """Starts processes together and waits until each is ready."""
        started = self._launch(names)
        self._await(started, seconds)
        return started

    def _in_one_process(self, module: str, addresses: dict[str, str]) -> None:
        """Does something to every service's server that needs no more than its address. Raises `Failure`."""
        environment = {**os.environ, "POLAR_ADDRESSES": json.dumps(addresses)}
        done = self._run([sys.executable, "-m", f"polar_cli.{module}"], environment, is_captured=True)
        if done.returncode:
            raise Failure(f"python -m polar_cli.{module} failed:\n{(done.stderr or done.stdout)[-3000:]}")

    def migrate(self) -> None:
        """Brings every database to its newest revision."""
        with step("migrations"):
            self._in_one_process("migrate", {service: self.database_url(service) for service in SERVICES})

    def declare(self) -> None:
        """Declares every queue, so that no event is unheard; nothing to do while the consumers are the same."""
        wanted = checksums.queues()
        if self.state.get("queues") == wanted:
            return
        with step("queues"):
            self._in_one_process("declare", {name: self.environment(name)["RABBITMQ_URL"] for name in SERVICES})
        self.state.set("queues", wanted)

    def prepare(self) -> list[str]:
        """Starts the servers, with every database at its newest revision and every queue declared."""
        started = self.servers_up()
        self.migrate()
        self.declare()
        return started

    def up(self) -> list[str]:
        """Brings everything up; what runs already is left alone. Returns what was started."""
        return self.start(lambda _: True)

    def start(self, belongs: Callable[[str], bool]) -> list[str]:
        """Brings up the servers and whatever `belongs`; what runs already is left alone. Returns what was started."""
        others = [name for name in self.processes if name not in {"postgres", "rabbitmq"} and belongs(name)]
        has_gateway = "gateway" in others
        if has_gateway and self["gateway"].pid is None and not is_free(self.gateway_port):
            raise Failure(
                f"port {self.gateway_port} of 127.0.0.1 is taken by another program",
                hint="end it, or choose another port: POLAR_PORT=8010 ./polar up",
            )
        for path in self._private:
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o700)
        building = pages.Build() if has_gateway else None
        known = self.state.get("provisioned") == provision.checksum() and self.state.get("queues") == checksums.queues()
        if self.own_rabbitmq and known:
            # The broker takes longest; everything else starts beside it, and waits for it.
            packages.ensure(own_postgres=self.own_postgres, own_rabbitmq=True)
            started = self._launch(["rabbitmq"])
            started += self._start(["postgres"] if self.own_postgres else [])
            self.migrate()
            self._take_pages(building)
            self._end_outdated(others)
            started += self._launch(others)
            self._await([name for name in started if name != "postgres"])
        else:
            started = self.prepare()
            self._take_pages(building)
            self._end_outdated(others)
            started += self._start(others)
        self._tell_clients()
        return started

    def _take_pages(self, building: pages.Build | None) -> None:
        """Waits for the pages' build, and has a gateway that runs already serve it."""
        if building is None:
            return
        reason = building.wait()
        self.state.set("pages", reason or None)
        if reason:
            say(f"the pages are not built: {reason}")
        elif self["gateway"].pid is not None:
            pages.publish(self.data / "gateway" / "pages")

    @property
    def pages(self) -> str:
        """Whether the pages are served: `ready`, or why they are not."""
        reason = self.state.get("pages")
        return f"not built: {reason}" if reason else "ready" if pages.built() else "not built: ./polar up builds them"

    def _end_outdated(self, names: Iterable[str]) -> None:
        """Ends what runs with other settings or other code than it would be started with now, and nothing else."""
        outdated = [name for name in names if self.processes[name].is_outdated]
        if outdated:
            with step(f"ending {_spoken(outdated)} to start with what changed"), ThreadPoolExecutor(16) as pool:
                list(pool.map(lambda name: self.processes[name].stop(), outdated))

    def _tell_clients(self) -> None:
        """Creates the first organization, once, and keeps the address in `env` that of the gateway."""
        if not (self.folder / "env").exists():
            with step("the first organization and its access token"):
                self._first_organization()
        known = self.client_environment()
        if known["POLAR_API_URL"] != self.url:
            self._write_env({**known, "POLAR_API_URL": self.url})

    def rebuild(self, service: str, *, empty: bool) -> int:
        """Has a service's copies told again, by its own command. Returns its exit status; raises `Failure`."""
        if any(self[f"{name}.worker"].pid is None for name in SERVICES):
            raise Failure("the owners of the copies answer only while their workers run", hint="./polar up")
        return self.run_command(service, f"{service}.worker", "rebuild", *(["--empty"] if empty else [])).returncode

    def run_command(
        self, service: str, module: str, *arguments: str, is_captured: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Runs `python -m` as one of a service's processes; its output is the user's, or in what is returned."""
        command = [sys.executable, "-m", module, *arguments]
        return self._run(command, self.environment(service), is_captured=is_captured)

    def _run(
        self, command: list[str], environment: dict[str, str], *, is_captured: bool
    ) -> subprocess.CompletedProcess[str]:
        if not self._is_forked:
            return subprocess.run(
                command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=is_captured, text=True,
                check=False,
            )  # fmt: skip
        self._forkserver_up()
        done = forkserver.run(self._forkserver, command, environment=environment, folder=ROOT)
        if not is_captured:
            sys.stdout.write(done.stdout)
        return done

    def create_organization(self, name: str, slug: str, *, is_test: bool = False) -> dict[str, str]:
        """Creates an organization through identity's own command: `organization_id` and `access_token`.

        In test mode it may have a test clock, and each of its requests asks where that stands.
        """
        arguments = ["create-organization", "--name", name, "--slug", slug, *(["--test"] if is_test else [])]
        done = self.run_command("identity", "identity.commands", *arguments, is_captured=True)
        if done.returncode:
            raise Failure(f"the organization could not be created:\n{(done.stderr or done.stdout)[-2000:]}")
        created: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
        return created

    def _first_organization(self) -> None:
        self.write_client_environment(
            self.create_organization("Demo", f"demo-{secrets.token_hex(3)}", is_test=not self.is_live)
        )

    def write_client_environment(self, created: dict[str, str]) -> None:
        """Writes the address and an organization's token for clients, readable by its owner alone."""
        lines = {
            "POLAR_API_URL": self.url,
            "POLAR_ACCESS_TOKEN": created["access_token"],
            "POLAR_ORGANIZATION_ID": created["organization_id"],
        }
        self._write_env(lines)

    def _write_env(self, lines: dict[str, str]) -> None:
        path = self.folder / "env"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(f"{name}={value}\n" for name, value in lines.items())

    def client_environment(self) -> dict[str, str]:
        """What `up` wrote for clients: POLAR_API_URL, POLAR_ACCESS_TOKEN, POLAR_ORGANIZATION_ID."""
        lines = (self.folder / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if line)

    def down(self) -> list[str]:
        """Ends everything gracefully: services first, servers last. Returns what was ended."""
        running = [name for name, process in self.processes.items() if process.pid is not None]
        outer = [name for name in running if name not in {"postgres", "rabbitmq"}]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda name: self.processes[name].stop(), outer))
            list(pool.map(lambda name: self.processes[name].stop(), [name for name in running if name not in outer]))
        if self.own_rabbitmq:
            servers.stop_epmd(self.state)
        servers.forget(servers.in_memory(self.data / "gateway"))
        return running

    def reset(self) -> None:
        """Ends everything and removes all data, mails, files, logs, settings and secrets."""
        self.down()
        shutil.rmtree(self.data, ignore_errors=True)
        self._remove_own()

    def _remove_own(self) -> None:
        """Removes what lies in the stack's folder beside its servers' data."""
        for name in _OWN:
            path = self.folder / name
            if path.is_symlink() or path.is_file():
                path.unlink()
        for path in (*self._private, self.logs):
            shutil.rmtree(path, ignore_errors=True)

    @property
    def _private(self) -> tuple[Path, Path]:
        """Mails with login codes, and what sellers and buyers upload."""
        return self.folder / "mails", self.folder / "files"

    def kill(self, name: str) -> None:
        """Kills a part with SIGKILL, as a crash would."""
        self.processes[name].kill()
        if name == "postgres":
            servers.wait_for_backends(self.data / "postgres" / "data")

    def restart(self, name: str) -> None:
        """Starts a part that has ended and waits until it is ready again."""
        self.processes[name].start_again()


def _spoken(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} processes"
