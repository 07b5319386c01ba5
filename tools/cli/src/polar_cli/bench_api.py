"""`./polar bench api`: requests through the gateway, each beside a bare route that gives the same bytes."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from polar_cli import packages
from polar_cli.bench import fresh_stack
from polar_cli.console import Failure, say, step, table
from polar_cli.stack import Stack

CONNECTIONS = (1, 16, 64)
SECONDS = 4
PRODUCTS = 10
DATABASE = "yardstick"
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Measured:
    """One request: `address` is called as it is; a body makes it a POST. `yardstick` is the bare twin's path."""

    name: str
    address: str
    yardstick: str
    body: str = ""


@dataclass(frozen=True)
class Figures:
    """What a run of wrk gave: requests a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def api() -> int:
    """Starts a stack of its own, asks, prints. Returns 0: figures are read, not asserted."""
    wrk = packages.wrk()
    stack = fresh_stack()
    try:
        stack.up()
        with step("a shop with products, an order and a license key"):
            token, requests = asyncio.run(_prepared(stack))
        rows = []
        with (
            _yardstick(stack) as bare,
            step(f"4 requests, {len(CONNECTIONS)} numbers of connections, {SECONDS} s each"),
        ):
            for request in requests:
                for connections in CONNECTIONS:
                    ours = _run(wrk, request.address, connections, request.body, token)
                    theirs = _run(wrk, bare + request.yardstick, connections, request.body, "")
                    rows.append(
                        (request.name, connections, *_shown(ours), *_shown(theirs), f"{ours.rate / theirs.rate:.2f}")
                    )
    finally:
        stack.down()
    say()
    table(("request", "connections", "req/s", "p50 ms", "p99 ms", "bare req/s", "bare p50", "bare p99", "ratio"), rows)
    return 0


def _shown(figures: Figures) -> tuple[str, str, str]:
    return f"{figures.rate:.0f}", f"{figures.p50:.1f}", f"{figures.p99:.1f}"


async def _prepared(stack: Stack) -> tuple[str, list[Measured]]:
    """The token, and the requests; the yardstick's database holds their answers."""
    created = await asyncio.to_thread(stack.create_organization, "Bench", f"bench-{os.urandom(4).hex()}")
    token, organization_id = created["access_token"], created["organization_id"]
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as client:
        price_id, key = await _sold(client)
        wish = json.dumps({"product_price_id": price_id, "customer_email": "bench@example.com"})
        validate = json.dumps({"key": key, "organization_id": organization_id})
        portal = "/v1/customer-portal/license-keys/validate"
        answers = {
            "products": (await client.get("/v1/products/?limit=10")).content,
            "orders": (await client.get("/v1/orders/?limit=10")).content,
            "checkout": (await client.post("/v1/checkouts/", content=wish)).content,
            "license": (await client.post(portal, content=validate)).content,
        }
    await _store(stack, answers)
    return token, [
        Measured("product list (10)", f"{stack.url}/v1/products/?limit=10", "/read/products"),
        Measured("order list (10)", f"{stack.url}/v1/orders/?limit=10", "/read/orders"),
        Measured("checkout create", f"{stack.url}/v1/checkouts/", "/write/checkout", wish),
        Measured("license key validate", stack.url + portal, "/write/license", validate),
    ]


async def _sold(client: httpx.AsyncClient) -> tuple[str, str]:
    """Ten products, ten orders of the first, and its price and one of the license keys."""

    async def call(method: str, path: str, body: Any = None) -> Any:
        answer = await client.request(method, path, json=body)
        if not answer.is_success:
            raise Failure(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    benefit = await call("POST", "/v1/benefits/", {"type": "license_keys", "description": "License", "properties": {}})
    price = {"amount_type": "fixed", "price_amount": 2900}
    wish = {"name": "Pro Plan", "recurring_interval": "month", "prices": [price]}
    products = [await call("POST", "/v1/products/", wish) for _ in range(PRODUCTS)]
    await call("POST", f"/v1/products/{products[0]['id']}/benefits", {"benefits": [benefit["id"]]})
    price_id: str = products[0]["prices"][0]["id"]
    for number in range(PRODUCTS):
        wish = {"product_price_id": price_id, "customer_email": f"bench-{number}@example.com"}
        checkout = await call("POST", "/v1/checkouts/", wish)
        confirm = {"client_secret": checkout["client_secret"], "confirmation_token_id": "pm_card_visa"}
        await call("POST", f"/v1/checkouts/{checkout['id']}/confirm", confirm)
    deadline = time.monotonic() + 60
    while True:
        orders = await call("GET", "/v1/orders/")
        keys = (await call("GET", "/v1/license-keys/"))["items"]
        if orders["pagination"]["total_count"] == PRODUCTS and keys:
            return price_id, keys[0]["key"]
        if time.monotonic() > deadline:
            raise Failure("the orders did not arrive within 60 seconds", hint="./polar logs billing")
        await asyncio.sleep(0.2)


async def _store(stack: Stack, answers: dict[str, bytes]) -> None:
    server = stack.postgres_url.rsplit("/", 1)[0]
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f"create database {DATABASE}")
    await connection.close()
    connection = await asyncpg.connect(f"{server}/{DATABASE}")
    await connection.execute("create table answers (name text primary key, body bytea)")
    await connection.execute("create table written (id bigserial primary key, name text, sent bytea)")
    await connection.executemany("insert into answers values ($1, $2)", list(answers.items()))
    await connection.close()


@contextmanager
def _yardstick(stack: Stack) -> Iterator[str]:
    """The bare twin, running; one process, as each service's API is one."""
    port = stack.state.port("yardstick")
    address = f"{stack.postgres_url.rsplit('/', 1)[0]}/{DATABASE}"
    process = subprocess.Popen(
        [sys.executable, "-m", "polar_cli.yardstick", str(port), address], stdin=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 30
    try:
        while True:
            try:
                httpx.get(f"{url}/read/products").raise_for_status()
                break
            except httpx.HTTPError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise Failure("the yardstick did not start") from None
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def _run(wrk: str, url: str, connections: int, body: str, token: str) -> Figures:
    """Asks for `SECONDS`; more than one answer in a thousand that is no 2xx is a failure."""
    script = [f"wrk.headers['Authorization'] = 'Bearer {token}'"] if token else []
    if body:
        script += [
            "wrk.method = 'POST'",
            "wrk.headers['Content-Type'] = 'application/json'",
            f"wrk.body = [==[{body}]==]",
        ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "request.lua"
        path.write_text("\n".join(script))
        command = [wrk, "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", str(path), url]
        done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    text = done.stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    total = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if rate is None or total is None or (refused and int(refused[1]) * 1000 > int(total[1])):
        raise Failure(f"{url} with {connections} connections: {text}")
    return Figures(float(rate[1]), _latency(text, 50), _latency(text, 99))


def _latency(text: str, percent: int) -> float:
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", text)
    return float(found[1]) * _UNITS[found[2]] if found else 0.0
