"""What an operator's settings make of the gateway, and what a gateway leaves on disk."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from polar_cli import servers
from polar_cli.servers import Limits
from polar_cli.stack import Stack
from servicekit import clock

PATH = "/.well-known/security.txt"


@contextmanager
def gateway(stack: Stack, name: str, **settings: str) -> Iterator[str]:
    """Another gateway before the same services, with settings of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = servers.gateway(
        stack.state, stack.data / name, stack.logs / f"{name}.log", port, Limits.none(), f"gateway.{name}", settings
    )
    started.start()
    try:
        started.wait_ready()
        yield f"http://127.0.0.1:{port}"
    finally:
        started.stop()
        servers.forget(servers.in_memory(stack.data / name / "gateway"))


def test_a_contact_for_weaknesses_is_published(stack: Stack) -> None:
    url = "https://api.shop.example"
    with gateway(stack, "contact", SECURITY_CONTACT="security@shop.example", PUBLIC_URL=f"{url}/") as address:
        answer = httpx.get(f"{address}{PATH}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:security@shop.example"
    assert fields["Canonical"] == f"{url}{PATH}"
    left = datetime.fromisoformat(fields["Expires"]) - clock.wall()
    assert timedelta(days=300) < left < timedelta(days=365), "RFC 9116, 2.5.5: less than a year"


def test_a_contact_may_be_a_page(stack: Stack) -> None:
    page = "https://shop.example/security?from=api"
    with gateway(stack, "page", SECURITY_CONTACT=page, PUBLIC_URL="http://127.0.0.1:8000") as address:
        assert httpx.get(f"{address}{PATH}").text.startswith(f"Contact: {page}\n")


def test_without_a_contact_there_is_no_such_file(stack: Stack) -> None:
    answer = httpx.get(f"{stack.url}{PATH}")
    assert (answer.status_code, answer.json()["error"]) == (404, "ResourceNotFound")


async def test_no_token_is_left_on_disk(stack: Stack, api: httpx.AsyncClient, organization: dict[str, str]) -> None:
    assert (await api.get("/v1/products/")).status_code == 200
    token = organization["access_token"].encode()

    def holding(folder: os.PathLike[str]) -> list[str]:
        paths = (os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)
        return [path for path in paths if _has(path, token)]

    assert holding(stack.data / "gateway") == []
    kept = servers.in_memory(stack.data / "gateway")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert any(line.split()[1:3] == ["/dev/shm", "tmpfs"] for line in mounts())


def _has(path: str, token: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return token in file.read()
    except FileNotFoundError:
        return False


def test_what_a_stack_keeps_is_its_owner_s_alone(stack: Stack) -> None:
    for name in ("mails", "files"):
        assert stat.S_IMODE((stack.folder / name).stat().st_mode) == 0o700
    assert stat.S_IMODE((stack.folder / "state.json").stat().st_mode) == 0o600


def mounts() -> list[str]:
    return Path("/proc/mounts").read_text().splitlines()
