"""Replacing containers of a running stack: those alone that changed, and with no request lost.

Compose stops a container before it starts the one that takes its place. So a service's new API is started beside the
old one, and the old one ends when the gateway knows the new one; the gateway looks names up every second. The old one
first closes its port (SIGUSR1) and stays until the gateway has met that and leaves its address alone: nginx waits for
an address where nobody is, and gives a request up when the addresses of its service change while it waits.
"""

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from polar_cli.console import Failure, step
from polar_cli.state import SERVICES

KNOWN_SECONDS = 3
"""After which the gateway has looked up a name again."""
SERVERS = ("postgres", "rabbitmq", "stripe")
PATHS = {
    "identity": "/v1/organizations/", "catalog": "/v1/products/", "checkout": "/v1/checkouts/",
    "billing": "/v1/orders/", "benefits": "/v1/benefits/", "webhooks": "/v1/webhooks/endpoints",
    "metering": "/v1/events/",
}  # fmt: skip
"""A path of each service, which the gateway hands on without a token when a browser asks what it may do (OPTIONS)."""


@dataclass(frozen=True)
class Container:
    """One container of the project: its id, its service of the compose file, and what it was made from."""

    id: str
    service: str
    is_running: bool
    is_done: bool
    """Whether it ended, and without an error."""
    image: str
    image_name: str


def containers(listed: str) -> list[Container]:
    """The containers with these ids, one a line."""
    ids = listed.split()
    if not ids:
        return []
    found = []
    for one in json.loads(_docker("inspect", *ids)):
        labels, state = one["Config"]["Labels"], one["State"]
        found.append(
            Container(
                one["Id"], labels["com.docker.compose.service"], state["Running"],
                state["Status"] == "exited" and state["ExitCode"] == 0, one["Image"], one["Config"]["Image"],
            )
        )  # fmt: skip
    return found


def changed(wanted: dict[str, str], known: dict[str, str], present: Iterable[Container]) -> set[str]:
    """The services to be started or replaced: those that are down, or have a newer image or another configuration.

    `wanted` and `known` have the checksums of the configurations, as they are and as they were at the last start. A
    server whose last one is not known is left alone: everything would wait for it.
    """
    known = {**{name: wanted[name] for name in SERVERS if name in wanted}, **known}
    images: dict[str, str] = {}
    good = set()
    for one in present:
        if one.image_name not in images:
            images[one.image_name] = _docker("image", "inspect", "--format", "{{.Id}}", one.image_name).strip()
        is_up = one.is_done if one.service.endswith("-migrate") else one.is_running
        if is_up and wanted.get(one.service) == known.get(one.service) and one.image == images[one.image_name]:
            good.add(one.service)
    return wanted.keys() - good


def replace(compose: Callable[..., str], url: str, names: set[str], present: Sequence[Container]) -> None:
    """Replaces these services of a running project. Raises `Failure`; an API whose new container fails stays as it was.

    `compose` runs a command of docker compose; `url` is the gateway's. Servers come first, then migrations, workers,
    APIs and the gateway.
    """
    up = ("up", "--detach", "--no-deps", "--wait")
    if servers := [name for name in SERVERS if name in names]:
        with step(f"replacing {', '.join(servers)}"):
            compose(*up, *servers)
    if jobs := [f"{service}-migrate" for service in SERVICES if f"{service}-migrate" in names]:
        with step(f"running {', '.join(jobs)}"):
            compose("up", "--detach", "--no-deps", *jobs)
            codes = _docker("wait", *compose("ps", "--all", "--quiet", "--no-trunc", *jobs).split()).split()
            if set(codes) != {"0"}:
                raise Failure(
                    "a migration failed: what runs is left as it is", hint="./polar logs, then ./polar up again"
                )
    if workers := [f"{service}-worker" for service in SERVICES if f"{service}-worker" in names]:
        with step(f"replacing {', '.join(workers)}"):
            compose(*up, "--force-recreate", *workers)
    apis = [f"{service}-api" for service in SERVICES if f"{service}-api" in names]
    old = [one for one in present if one.service in apis and one.is_running]
    for name in [name for name in apis if name not in {one.service for one in old}]:
        with step(f"starting {name}"):
            compose(*up, name)
    if old:
        _beside(compose, url, sorted({one.service for one in old}), [one.id for one in old])
    if "gateway" in names:
        with step("replacing gateway"):
            compose(*up, "gateway")


def _beside(compose: Callable[..., str], url: str, names: list[str], old: list[str]) -> None:
    with step(f"starting the new {', '.join(names)} beside the old"):
        scales = [argument for name in names for argument in ("--scale", f"{name}={1 + _count(compose, name)}")]
        try:
            compose("up", "--detach", "--no-deps", "--no-recreate", "--wait", *scales, *names)
        except Failure:
            made = [id for id in compose("ps", "--all", "--quiet", "--no-trunc", *names).split() if id not in old]
            if made:
                _docker("rm", "--force", *made)
            raise
        time.sleep(KNOWN_SECONDS)
    with step("ending the old"):
        _docker("kill", "--signal", "USR1", *old)
        for name in names:
            _meet(url, PATHS[name.removesuffix("-api")])
        _docker("stop", "--time", "30", *old)
        _docker("rm", *old)
        # Until the gateway has forgotten their addresses nobody else may be given one.
        time.sleep(KNOWN_SECONDS)


def _meet(url: str, path: str) -> None:
    """Asks a service through the gateway, which takes its addresses in turn, and goes on to one that answers."""
    for _ in range(4):
        request = urllib.request.Request(f"{url}{path}", method="OPTIONS")
        with suppress(OSError):
            urllib.request.urlopen(request, timeout=10).close()


def _count(compose: Callable[..., str], name: str) -> int:
    return len(compose("ps", "--all", "--quiet", name).split())


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"docker {arguments[0]} failed:\n{done.stderr[-2000:]}")
    return done.stdout
