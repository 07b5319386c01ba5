"""The stack in containers, where a Docker engine answers: the same secrets, the same commands."""

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from polar_cli import audit, replacing, settings
from polar_cli.console import Failure, step
from polar_cli.provision import EXCHANGE, permissions_of
from polar_cli.stack import Stack
from polar_cli.state import ROOT, SERVICES

_PROGRESS = re.compile(r"\s*(Container|Network|Volume|Image) |\s*#\d+ ")
"""Lines that tell how far compose and the build are."""


def is_installed() -> bool:
    """Whether there is docker compose, with or without an engine."""
    return shutil.which("docker") is not None and _succeeds("docker", "compose", "version")


def engine_answers() -> bool:
    """Whether a Docker engine with compose answers, and is not declined with POLAR_NATIVE=1."""
    return os.environ.get("POLAR_NATIVE") != "1" and is_installed() and _succeeds("docker", "info")


def _succeeds(*command: str) -> bool:
    try:
        return not subprocess.run(command, capture_output=True, timeout=10, check=False).returncode
    except subprocess.TimeoutExpired:
        return False


class ComposedStack(Stack):
    """A stack whose parts run in containers, those of docker-compose.yml; each name has a project of its own."""

    @property
    def pages(self) -> str:
        """The gateway's image has them."""
        return "ready"

    def up(self) -> list[str]:
        """Writes the secrets, builds the images, starts what is down and replaces what changed, one service at a time.

        Creates the first organization. Returns the services of what was started. Raises `Failure` with the last lines
        of each container that ended with an error.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_definitions()
        lines = "".join(f"{name}={value}\n" for name, value in environment(self).items())
        _write_private(self.folder / "compose.env", lines)
        with step("docker compose build"):
            self._compose("build", "--quiet")
        wanted, present = self._wanted(), self._containers()
        names = replacing.changed(wanted, self.state.get("containers", {}), present)
        if any(one.service == "gateway" and one.is_running for one in present):
            self.replace(names)
        else:
            with step("docker compose up"):
                self._compose("up", "--wait", "--quiet-pull")
        self.state.set("containers", wanted)
        self._tell_clients()
        return sorted(names)

    def _wanted(self) -> dict[str, str]:
        """A checksum of each service's configuration, without what it waits for and how its image is built.

        Compose's own (`config --hash`) differs between containers that were started with and without `--no-deps`.
        """
        services = json.loads(self._compose("config", "--format", "json"))["services"]
        parts = {
            name: {key: value for key, value in service.items() if key not in {"depends_on", "build"}}
            for name, service in services.items()
        }
        return {
            name: hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest() for name, part in parts.items()
        }

    def replace(self, names: set[str]) -> None:
        """Replaces these services of the compose file while the others run; no request is lost. Raises `Failure`."""
        replacing.replace(self._compose, self.url, names, self._containers())

    def _containers(self) -> list[replacing.Container]:
        return replacing.containers(self._compose("ps", "--all", "--quiet", "--no-trunc"))

    def _write_definitions(self) -> None:
        """Writes the broker's users once for the same passwords: each new salt would make another file."""
        path = self.folder / "rabbitmq-definitions.json"
        made_of = hashlib.sha256(json.dumps(definitions_of(self.state.secret, hashed=str)).encode()).hexdigest()
        if not path.exists() or self.state.get("definitions") != made_of:
            _write_private(path, json.dumps(definitions(self)), mode=0o644)
            self.state.set("definitions", made_of)

    def down(self) -> list[str]:
        """Ends every container; volumes stay. Returns the services of those that ran."""
        running = self._compose("ps", "--services").split()
        self._compose("down")
        return running

    def reset(self) -> None:
        """Ends every container and removes all data, settings and secrets."""
        if (self.folder / "compose.env").exists():
            self._compose("down", "--volumes")
        self._remove_own()

    def rebuild(self, service: str, *, empty: bool) -> int:
        """Has a service's copies told again, by its own command. Returns its exit status."""
        options = ["--empty"] if empty else []
        return self.run("exec", "-T", f"{service}-worker", "python", "-m", f"{service}.worker", "rebuild", *options)

    def audit(self, organization: str) -> int:
        """Compares billing's books, by its own command. Returns its exit status."""
        return self.run("exec", "-T", "billing-worker", "python", "-m", *audit.command(organization))

    def create_organization(self, name: str, slug: str, *, is_test: bool = False) -> dict[str, str]:
        """Creates an organization through identity's own command: `organization_id` and `access_token`."""
        done = self._compose(
            "exec", "-T", "identity-api", "python", "-m", "identity.commands", "create-organization",
            "--name", name, "--slug", slug, *(["--test"] if is_test else []),
        )  # fmt: skip
        created: dict[str, str] = json.loads(done.splitlines()[-1])
        return created

    def run(self, *arguments: str, given: str | None = None) -> int:
        """Runs a compose command whose output is the user's; `given` is its input. Returns its exit status."""
        command, environment = self._command(*arguments), self._environment()
        return subprocess.run(command, cwd=ROOT, env=environment, input=given, text=True, check=False).returncode

    def output(self, *arguments: str) -> str:
        """Runs a compose command and returns its output. Raises `Failure`."""
        return self._compose(*arguments)

    def _compose(self, *arguments: str) -> str:
        done = self._captured(*arguments)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if not _PROGRESS.match(line)]
            text = "\n".join([f"docker compose {arguments[0]} failed:", *said[-20:], *self._logs_of_ended()])
            raise Failure(text, hint="./polar logs; POLAR_NATIVE=1 runs the stack without containers")
        return done.stdout

    def _logs_of_ended(self) -> list[str]:
        """The last lines of each container that ended with an error: why the others wait for it."""
        listed = self._captured("ps", "--all", "--format", "{{.Service}} {{.ExitCode}}")
        ended = [service for service, code in map(str.split, listed.stdout.splitlines()) if code != "0"]
        if not ended:
            return []
        return self._captured("logs", "--no-color", "--tail", "15", *ended).stdout.splitlines()

    def _captured(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*arguments), cwd=ROOT, env=self._environment(), capture_output=True, text=True, check=False
        )

    def _environment(self) -> dict[str, str]:
        """Compose's own: the operator's settings as they are given, and none of another stack's."""
        ours = {*settings.KNOWN, *settings.MADE, *environment(self)}
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        return {**kept, **{name: value for name, value in self.given.items() if name in settings.KNOWN}}

    def _command(self, *arguments: str) -> list[str]:
        kept = self.folder / "compose.env"
        if not kept.exists():
            raise Failure("this stack was never started in containers", hint="./polar up")
        project = [] if self.name == "main" else ["--project-name", f"polar-{self.name}"]
        profile = [] if self.real_stripe else ["--profile", "stripe"]
        return ["docker", "compose", "--ansi", "never", *project, "--env-file", str(kept), *profile, *arguments]


def environment(stack: Stack) -> dict[str, str]:
    """What docker-compose.yml asks for and the operator does not give."""
    values = {
        "POSTGRES_PASSWORD": stack.state.secret("postgres"),
        "POLAR_PORT": str(stack.gateway_port),
        "POLAR_FOLDER": str(stack.folder),
        "STRIPE_PORT": str(stack.state.port("stripe")),
        "RABBITMQ_MANAGEMENT_PORT": str(stack.state.port("rabbitmq-management")),
    }
    for service in SERVICES:
        values[f"{service.upper()}_DATABASE_PASSWORD"] = stack.state.secret(f"database:{service}")
        values[f"{service.upper()}_BROKER_PASSWORD"] = stack.state.secret(f"broker:{service}")
    wanted = {
        "SECRET", "PRINCIPAL_PUBLIC_KEY", "PRINCIPAL_PRIVATE_KEY", "STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY",
        "STRIPE_WEBHOOK_SECRET", "PUBLIC_URL", "WEBHOOK_ALLOW_INTERNAL_ADDRESSES",
    }  # fmt: skip
    for service in ("identity", "checkout", "webhooks"):
        made = stack.environment(service)
        values |= {name: made[name] for name in wanted & set(made)}
    values["STRIPE_API_BASE"] = "" if stack.real_stripe else "http://stripe:8420"
    values |= {name: value for name, value in stack.card_form().items() if name == "STRIPE_JS_URL"}
    if bucket := stack.given.get("AWS_S3_BUCKET"):
        values["FILES_URL"] = f"s3://{bucket}"
    return {name: value for name, value in values.items() if name not in stack.given or name in settings.MADE}


def definitions(stack: Stack) -> dict[str, Any]:
    """RabbitMQ's users, permissions and the exchange, with hashed passwords."""
    return definitions_of(stack.state.secret)


def definitions_of(password: Callable[[str], str], hashed: Callable[[str], str] | None = None) -> dict[str, Any]:
    """The same for other passwords: `password` gives those of `rabbitmq`, its administrator, and `broker:<service>`."""
    hashed = hashed or salted
    users = [{"name": "polar", "password_hash": hashed(password("rabbitmq")), "tags": ["administrator"]}]
    all_of = {"configure": ".*", "write": ".*", "read": ".*"}
    permissions: list[dict[str, Any]] = [{"user": "polar", "vhost": "/", **all_of}]
    topics: list[dict[str, Any]] = []
    for service in SERVICES:
        broker, topic = permissions_of(service)
        users.append({"name": service, "password_hash": hashed(password(f"broker:{service}")), "tags": []})
        permissions.append({"user": service, "vhost": "/", **broker})
        topics.append({"user": service, "vhost": "/", **topic})
    exchange = {"name": EXCHANGE, "vhost": "/", "type": "topic", "durable": True, "auto_delete": False,
                "internal": False, "arguments": {}}  # fmt: skip
    return {
        "vhosts": [{"name": "/"}],
        "users": [{**user, "hashing_algorithm": "rabbit_password_hashing_sha256"} for user in users],
        "permissions": permissions,
        "topic_permissions": topics,
        "exchanges": [exchange],
    }


def salted(password: str) -> str:
    """A password as RabbitMQ keeps it: base64 of a 4-byte salt and the SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _write_private(path: Path, text: str, mode: int = 0o600) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
