"""The stack in containers, where a Docker engine answers: the same secrets, the same first organization."""

import base64
import hashlib
import json
import os
import re
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from polar_cli.console import Failure, step
from polar_cli.provision import EXCHANGE, permissions_of
from polar_cli.stack import Stack
from polar_cli.state import ROOT, SERVICES

_PROGRESS = re.compile(r"\s*(Container|Network|Volume|Image) |\s*#\d+ ")
"""Lines that tell how far compose and the build are."""


def up(stack: Stack) -> None:
    """Writes the secrets, starts every container, and creates the first organization. Raises `Failure`."""
    stack.folder.mkdir(parents=True, exist_ok=True)
    _write_private(stack.folder / "rabbitmq-definitions.json", json.dumps(definitions(stack)), mode=0o644)
    lines = "".join(f"{name}={value}\n" for name, value in environment(stack).items())
    _write_private(stack.folder / "compose.env", lines)
    with step("docker compose up"):
        _compose(stack, "up", "--wait", "--build", "--quiet-pull")
    if not (stack.folder / "env").exists():
        with step("the first organization and its access token"):
            done = _compose(
                stack, "exec", "-T", "identity-api", "python", "-m", "identity.commands", "create-organization",
                "--name", "Demo", "--slug", f"demo-{secrets.token_hex(3)}",
            )  # fmt: skip
            stack.write_client_environment(json.loads(done.splitlines()[-1]))


def down(stack: Stack) -> None:
    """Ends every container; volumes stay."""
    _compose(stack, "down")


def rebuild(stack: Stack, service: str, *, empty: bool) -> int:
    """Has a service's copies told again. Returns the exit status of the service's own command."""
    options = ["--empty"] if empty else []
    return _run(stack, "exec", "-T", f"{service}-worker", "python", "-m", f"{service}.worker", "rebuild", *options)


def audit(stack: Stack, organization: str) -> int:
    """Compares billing's books. Returns the exit status of billing's own command."""
    from polar_cli.audit import command

    return _run(stack, "exec", "-T", "billing-worker", "python", *command(organization))


def environment(stack: Stack) -> dict[str, str]:
    """What docker-compose.yml asks for."""
    values = {
        "POSTGRES_PASSWORD": stack.state.secret("postgres"),
        "PUBLIC_URL": stack.url,
        "POLAR_PORT": str(stack.gateway_port),
    }
    for service in SERVICES:
        values[f"{service.upper()}_DATABASE_PASSWORD"] = stack.state.secret(f"database:{service}")
        values[f"{service.upper()}_BROKER_PASSWORD"] = stack.state.secret(f"broker:{service}")
    wanted = {
        "SECRET", "PRINCIPAL_PUBLIC_KEY", "PRINCIPAL_PRIVATE_KEY", "STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY",
        "STRIPE_WEBHOOK_SECRET",
    }  # fmt: skip
    for service in ("identity", "checkout"):
        given = stack.environment(service)
        values |= {name: given[name] for name in wanted & set(given)}
    values["STRIPE_API_BASE"] = "" if stack.real_stripe else "http://stripe:8420"
    return values


def definitions(stack: Stack) -> dict[str, Any]:
    """RabbitMQ's users, permissions and the exchange, with hashed passwords."""
    return definitions_of(stack.state.secret)


def definitions_of(password: Callable[[str], str]) -> dict[str, Any]:
    """The same for other passwords: `password` gives those of `rabbitmq`, its administrator, and `broker:<service>`."""
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


def hashed(password: str) -> str:
    """A password as RabbitMQ keeps it: base64 of a 4-byte salt and the SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _compose(stack: Stack, *arguments: str) -> str:
    done = subprocess.run(_command(stack, *arguments), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if not _PROGRESS.match(line)]
        text = "\n".join([f"docker compose {arguments[0]} failed:", *said[-20:], *_logs_of_ended(stack)])
        raise Failure(text, hint="docker compose logs; POLAR_NATIVE=1 runs the stack without containers")
    return done.stdout


def _logs_of_ended(stack: Stack) -> list[str]:
    """The last lines of each container that ended with an error: why the others wait for it."""
    listed = subprocess.run(
        _command(stack, "ps", "--all", "--format", "{{.Service}} {{.ExitCode}}"),
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    ended = [service for service, code in map(str.split, listed.stdout.splitlines()) if code != "0"]
    if not ended:
        return []
    logs = _command(stack, "logs", "--no-color", "--tail", "15", *ended)
    return subprocess.run(logs, cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines()


def _run(stack: Stack, *arguments: str) -> int:
    return subprocess.run(_command(stack, *arguments), cwd=ROOT, check=False).returncode


def _command(stack: Stack, *arguments: str) -> list[str]:
    profile = [] if stack.real_stripe else ["--profile", "stripe"]
    return [
        "docker",
        "compose",
        "--ansi",
        "never",
        "--env-file",
        str(stack.folder / "compose.env"),
        *profile,
        *arguments,
    ]


def _write_private(path: Path, text: str, mode: int = 0o600) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
