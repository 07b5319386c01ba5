"""No log of a whole run has a secret, a token, a webhook's or client's secret, or the number of a card.

This group runs after the others that use the stack, so that what they did is in the logs too.
"""

import asyncio
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import stripe
from polar_cli.stack import Stack
from polar_cli.state import ROOT, SERVICES
from servicekit.testing import eventually
from stripe_sandbox.cards import BY_NAME

from tests.security.searching import forms, found


def logs(stack: Stack) -> list[Path]:
    """Every log of the stack, and what its servers write beside them."""
    files = [path for path in (*stack.logs.glob("*.log"), *stack.data.glob("gateway/*.log")) if path.is_file()]
    names = {path.name for path in files}
    parts = {f"{service}.{kind}.log" for service in SERVICES for kind in ("api", "worker")}
    assert names >= parts | {"postgres.log", "rabbitmq.log", "stripe.log", "access.log"}
    return files


def settings(stack: Stack) -> dict[str, str]:
    """Every secret that a part of the stack was started with."""
    state = json.loads((stack.folder / "state.json").read_text())
    secrets = {name: value for name, value in state.items() if name.startswith("secret:") or name == "signing-seed"}
    assert {"secret:suite", "secret:postgres", "secret:rabbitmq", "signing-seed"} <= set(secrets)
    for service in SERVICES:
        for name, value in stack.environment(service).items():
            if re.search("SECRET|PRIVATE|PASSWORD|DATABASE_URL|RABBITMQ_URL", name):
                secrets[f"{service} {name}"] = value
    secrets["the demo's token"] = stack.client_environment()["POLAR_ACCESS_TOKEN"]
    return secrets


def confirmation_token(stack: Stack, number: str) -> str:
    """What Stripe.js makes of a typed card: here the only place that is told a number."""
    environment = stack.environment("checkout")
    client = stripe.StripeClient(
        environment["STRIPE_SECRET_KEY"], base_addresses={"api": environment["STRIPE_API_BASE"]}
    )
    card = {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "737"}
    token = client.raw_request(
        "post", "/v1/test_helpers/confirmation_tokens", payment_method_data={"type": "card", "card": card}
    )
    return str(token.data["id"])


@pytest.fixture(scope="module")
async def used(stack: Stack, organization: dict[str, str], api: httpx.AsyncClient) -> dict[str, str]:
    """A run through everything that handles a secret, well and badly; returns what must not be in a log."""

    async def call(method: str, path: str, body: object = None) -> httpx.Response:
        return await api.request(method, path, json=body)

    secrets = {"the organization's token": organization["access_token"]}
    made = (
        await call("POST", "/v1/organization-access-tokens/", {"comment": "CI", "scopes": ["products:read"]})
    ).json()
    secrets["a created token"] = made["token"]
    endpoint = {"url": "http://127.0.0.1:9/nobody", "events": ["order.paid", "order.created"]}
    hook = (await call("POST", "/v1/webhooks/endpoints", endpoint)).json()
    secrets["the webhook's secret"] = hook["secret"]
    benefit = await call("POST", "/v1/benefits/", {"type": "license_keys", "description": "License", "properties": {}})
    price = {"amount_type": "fixed", "price_amount": 2900, "price_currency": "usd"}
    product = (await call("POST", "/v1/products/", {"name": "Pro", "prices": [price]})).json()
    benefits = {"benefits": [benefit.json()["id"]]}
    assert (await call("POST", f"/v1/products/{product['id']}/benefits", benefits)).is_success
    link = (await call("POST", "/v1/checkout-links/", {"products": [product["id"]]})).json()
    secrets["a link's secret"] = link["client_secret"]
    async with httpx.AsyncClient(base_url=str(api.base_url), timeout=30) as nobody:
        await nobody.get(f"/v1/checkout-links/{link['client_secret']}/redirect")

        email = f"buyer-{os.urandom(4).hex()}@example.com"
        for card in ("4000000000000002", "4242424242424242"):
            body = {"products": [product["id"]], "customer_email": email}
            checkout = (await call("POST", "/v1/checkouts/", body)).json()
            secret = checkout["client_secret"]
            secrets[f"the client secret of {card[-4:]}"] = secret
            secrets[f"the card {card[-4:]}"] = card
            assert (await nobody.get(f"/v1/checkouts/client/{secret}")).status_code == 200
            token = await asyncio.to_thread(confirmation_token, stack, card)
            answer = await nobody.post(f"/v1/checkouts/client/{secret}/confirm", json={"confirmation_token_id": token})
            assert answer.is_success is (card == "4242424242424242"), answer.text

        async def customers() -> list[dict[str, str]]:
            listed = await call("GET", f"/v1/customers/?email={email}")
            items: list[dict[str, str]] = listed.json()["items"]
            return items

        (customer,) = await eventually(customers, seconds=60, what="the customer")

        async def session() -> str:
            opened = await call("POST", "/v1/customer-sessions/", {"customer_id": customer["id"]})
            return str(opened.json().get("token", ""))

        secrets["a customer's token"] = await eventually(session, seconds=60, what="the customer's session")

        async def keys() -> list[dict[str, str]]:
            listed = (await call("GET", "/v1/license-keys/")).json()
            items: list[dict[str, str]] = listed["items"]
            return items

        (key,) = await eventually(keys, seconds=60, what="the license key")
        secrets["a license key"] = key["key"]
        own = {"key": key["key"], "organization_id": organization["organization_id"]}
        assert (await nobody.post("/v1/customer-portal/license-keys/validate", json=own)).is_success

        # What goes wrong is told at length: wrong bodies, wrong tokens, secrets where none belongs.
        token = secrets["a created token"]
        broken = '{"name": "' + secrets["the webhook's secret"]
        json_header = {"Content-Type": "application/json"}
        await api.post("/v1/products/", content=broken, headers=json_header)
        await api.post("/v1/products/", json={"name": {"secret": token}, "card": "4242424242424242"})
        await api.get(f"/v1/products/{token}")
        await api.get("/v1/products/", params={"access_token": token})
        await nobody.get("/v1/products/", headers={"Authorization": f"Bearer {token[:-1]}x"})
        await nobody.get("/v1/products/", headers={"X-Request-Id": token})
        await nobody.get("/v1/products/", headers={"traceparent": token, "User-Agent": token})
        await nobody.post(f"/v1/checkouts/client/{secret}/confirm", json={"confirmation_token_id": "4242424242424242"})
        await nobody.post("/v1/integrations/stripe/webhook", content=b"{}", headers={"Stripe-Signature": token})
    await asyncio.sleep(1)  # for the workers' last lines
    return secrets


async def test_no_log_has_a_secret(stack: Stack, used: dict[str, str]) -> None:
    cards = {f"the card {name}": card.number for name, card in BY_NAME.items()}
    assert found(logs(stack), {**settings(stack), **cards, **used}) == []


def test_the_gateway_leaves_no_secret_on_the_disk(stack: Stack, used: dict[str, str]) -> None:
    """It keeps answers about tokens in memory, under the tokens; mails and files are for the installation's user."""
    own = [path for path in (stack.folder / "data" / "gateway").rglob("*") if path.is_file()]
    assert own
    assert found(own, used) == []
    for folder in (stack.folder / "mails", stack.folder / "files"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_the_search_finds_what_is_planted(stack: Stack, used: dict[str, str], tmp_path: Path) -> None:
    """Each secret, in each form, in a copy of a real log's end: a search that found nothing would be no proof."""
    secrets = {**settings(stack), **used}
    tail = (stack.logs / "checkout.api.log").read_bytes()[-10_000:]
    planted = {}
    for name, secret in secrets.items():
        for form in forms(secret):
            path = tmp_path / f"{len(planted)}.log"
            path.write_bytes(tail + b'{"event":"request","path":"/v1/' + form + b'"}\n' + tail)
            planted[path] = f"{path.name}: {name}"
    assert set(planted.values()) <= set(found(planted, secrets))
    clean = tmp_path / "clean.log"
    clean.write_bytes(tail)
    assert found([clean], secrets) == []


@pytest.mark.parametrize(
    "line",
    [
        b"Authorization: Bearer polar_oat_0123456789abcdef0123",
        b"polar_c_0123456789abcdefg",
        b"whsec_MDEyMzQ1Njc4OWFiY2RlZg==",
        b"sk_test_0123456789abcdef",
        b"amqp://billing:hidden@127.0.0.1:5672/",
        b"eyJhbGciOiJFZERTQSJ9.eyJhdWQiOiJwb2xhciJ9.sig",
        b"Basic YmlsbGluZzpoaWRkZW4taGlkZGVu",
    ],
)
def test_the_search_knows_secrets_by_their_looks(line: bytes, tmp_path: Path) -> None:
    planted = tmp_path / "a.log"
    planted.write_bytes(b"first\nsecond " + line + b"\n")
    assert any(problem.startswith("a.log:2: ") for problem in found([planted], {}))


def test_no_secret_is_on_a_command_line(stack: Stack, tmp_path: Path) -> None:
    """Arguments of a process can be read by every user of the machine."""
    secrets = settings(stack)
    commands = tmp_path / "commands"
    commands.write_text("\n".join(" ".join(process.command()) for process in stack.processes.values()))
    running = [process.pid for process in stack.processes.values() if process.pid is not None]
    assert len(running) >= 2 * len(SERVICES)
    assert found([commands, *(Path(f"/proc/{pid}/cmdline") for pid in running)], secrets) == []


@pytest.mark.parametrize("service", ["identity", "checkout"])  # those with secrets of their own
def test_a_service_that_cannot_start_does_not_print_its_secrets(stack: Stack, service: str, tmp_path: Path) -> None:
    environment = stack.environment(service) | {"SECRET": "weak-but-secret", "ENVIRONMENT": "production"}
    done = subprocess.run(
        [sys.executable, "-m", f"{service}.worker"],
        env=environment, cwd=ROOT, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 78
    printed = tmp_path / "printed"
    printed.write_bytes(done.stdout + done.stderr)
    assert b"SECRET" in printed.read_bytes()
    secrets = {name: value for name, value in settings(stack).items() if name != "secret:suite"}
    assert found([printed], {**secrets, "the weak one": "weak-but-secret"}) == []
