"""The local Stripe for tests: a process of its own, started once, emptied before each test."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx


class Sandbox:
    """The local Stripe."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, headers={"Authorization": "Bearer sk_test_local"}, timeout=60)

    def get(self, path: str, **query: Any) -> Any:
        """An answer of Stripe's API, or of the sandbox's own."""
        return self._http.get(path, params=query).raise_for_status().json()

    def post(self, path: str, **form: Any) -> Any:
        """The same for a write."""
        return self._http.post(path, data=form).raise_for_status().json()

    def faults(self, **faults: Any) -> None:
        """Makes it misbehave."""
        self._http.post("/_sandbox/faults", json=faults).raise_for_status()

    def summary(self) -> Any:
        """What happened so far."""
        return self.get("/_sandbox/summary")

    def asked(self, *routes: str) -> int:
        """How often it was asked since it was emptied: in all, or by some methods and routes."""
        counts: dict[str, int] = self.get("/_sandbox/requests")
        return sum(count for route, count in counts.items() if not routes or route in routes)

    def token(self, number: str) -> str:
        """A confirmation token, as a browser makes it of a card's number."""
        card = {"number": number, "exp_month": "12", "exp_year": "2034", "cvc": "123"}
        form = {f"payment_method_data[card][{name}]": value for name, value in card.items()}
        made = self.post("/v1/confirmation_tokens", **form, **{"payment_method_data[type]": "card"})
        return str(made["id"])

    def confirm_in_browser(self, client_secret: str, number: str) -> int:
        """Confirms an intent as whoever has its secret can: with the publishable key, past us. Returns the status."""
        id, form = client_secret.partition("_secret_")[0], {"client_secret": client_secret, "key": "pk_test_browser"}
        kind = "setup_intents" if id.startswith("seti_") else "payment_intents"
        card = {"number": number, "exp_month": "12", "exp_year": "2034", "cvc": "123"}
        form |= {f"payment_method_data[card][{name}]": value for name, value in card.items()}
        form["payment_method_data[type]"] = "card"
        return httpx.post(f"{self.url}/v1/{kind}/{id}/confirm", data=form, timeout=60).status_code

    def events(self, *kinds: str) -> list[Any]:
        """The events of some types, the oldest first."""
        listed = self.get("/v1/events", limit=100)["data"]
        return [event for event in reversed(listed) if event["type"] in kinds]

    def control(self, path: str, **wish: Any) -> Any:
        """Something that only a stand-in can do: `disputes`, `disputes/{id}/decide`, `refunds/{id}/settle`."""
        return self._http.post(f"/_sandbox/{path}", json=wish).raise_for_status().json()

    def objects(self, *kinds: str) -> list[Any]:
        """What the events of some types carry, the oldest first."""
        return [event["data"]["object"] for event in self.events(*kinds)]

    def pay(self, amount: int, method: str = "pm_card_visa", currency: str = "usd") -> str:
        """Charges a test card `amount` minor units and returns the PaymentIntent's id."""
        wish = {"amount": amount, "currency": currency, "payment_method": method, "confirm": "true"}
        return str(self.post("/v1/payment_intents", **wish)["id"])

    def card(self, name: str = "pm_card_visa") -> tuple[str, str]:
        """A customer and a card of theirs, saved: the ids of both. `name` is one of Stripe's test payment methods."""
        customer = self.post("/v1/customers", email="ada@example.com")["id"]
        method = self.post(f"/v1/payment_methods/{name}/attach", customer=customer)["id"]
        return customer, method


@contextmanager
def running(folder: Path) -> Iterator[Sandbox]:
    """Starts the local Stripe with its file in `folder`, on a free port, and ends it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "stripe_sandbox", "--port", str(port), "--data", str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=dict(os.environ))
    sandbox = Sandbox(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                sandbox.get("/healthz")
                break
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield sandbox
    finally:
        process.kill()
        process.wait()
