"""Rows that only the released code makes: made by it on a stack of its own, which is then upgraded and repaired.

Two mailboxes become one customer, a payer's card becomes a stranger's default, entries wait on a subscription that is
over, and intents of declined cards stay open at Stripe. `./polar leftovers` must name them, `--repair` must repair what
the data decide, and the books must agree.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from polar_cli import audit, leftovers
from polar_cli.console import Failure, say, step
from polar_cli.prove.versions import install
from polar_cli.servers import Limits
from polar_cli.stack import Stack
from polar_cli.state import SERVICES

PATIENCE_SECONDS = 60.0
VISA, DECLINED = "pm_card_visa", "pm_card_chargeDeclined"
BEGAN, CHANGED, OVER = "2027-01-01T00:00:00Z", "2027-01-11T00:00:00Z", "2027-02-05T00:00:00Z"


def _stack() -> Stack:
    return Stack("old-rows", limits=Limits.none(), durable=False)


class Upgrade:
    """One stack, first with the released code and then with this."""

    def __init__(self, commit: str) -> None:
        self._python = install(commit)
        _stack().reset()
        self.stack = _stack()

    def start_released(self) -> None:
        """The released migrations, queues and services. The servers, Stripe and the gateway are this checkout's."""
        self.stack.servers_up()
        with step("the released migrations, queues and services"):
            self._released("polar_cli.migrate", {name: self.stack.database_url(name) for name in SERVICES})
            brokers = {name: self.stack.environment(name)["RABBITMQ_URL"] for name in SERVICES}
            self._released("polar_cli.declare", brokers)
            names = [name for name in self.stack.processes if name not in {"postgres", "rabbitmq"}]
            for name in names:
                if name.partition(".")[0] in SERVICES:
                    self.stack.pythons[name] = self._python
                self.stack[name].start()
            for name in names:
                self.stack[name].wait_ready(120)

    def upgrade(self) -> None:
        """Ends the released services, and starts this checkout's on their databases."""
        for name in list(self.stack.pythons):
            self.stack[name].stop()
        self.stack.pythons.clear()
        self.stack.up()

    def organization(self, name: str, *flags: str) -> "Shop":
        """Creates an organization with the released command."""
        slug = f"{name.lower()}-{os.urandom(3).hex()}"
        arguments = ["create-organization", "--name", name, "--slug", slug, *flags]
        done = self._run("identity.commands", *arguments, environment=self.stack.environment("identity"))
        return Shop(self.stack.url, json.loads(done.splitlines()[-1])["access_token"])

    def _released(self, module: str, addresses: dict[str, str]) -> None:
        self._run(module, environment={**os.environ, "POLAR_ADDRESSES": json.dumps(addresses)})

    def _run(self, module: str, *arguments: str, environment: dict[str, str]) -> str:
        command, folder = [str(self._python), "-m", module, *arguments], self._folder()
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"the released {module} failed:\n{(done.stderr or done.stdout)[-2000:]}")
        return done.stdout

    def _folder(self) -> Path:
        return self._python.parents[2]


class Shop:
    """A seller, and the buyers at its public checkouts."""

    def __init__(self, url: str, token: str) -> None:
        self._api = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        self._anybody = httpx.Client(base_url=url, timeout=60)

    def call(self, method: str, path: str, **body: Any) -> Any:
        """A request that must succeed."""
        answer = self._api.request(method, path, json=body or None)
        if not answer.is_success:
            raise Failure(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def until(self, path: str, is_right: Callable[[Any], bool]) -> Any:
        """What a path answers, once it is right."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self._api.get(path)
            if answer.is_success and is_right(answer.json()):
                return answer.json()
            if time.monotonic() > deadline:
                raise Failure(f"{path} did not come: {answer.status_code} {answer.text[:500]}")
            time.sleep(0.1)

    def product(self, amount: int, **fields: Any) -> Any:
        """A product at a price in cents; 0 is free."""
        price = {"amount_type": "fixed", "price_amount": amount, "price_currency": "usd"}
        prices = [price if amount else {"amount_type": "free"}]
        return self.call("POST", "/v1/products/", name="Sold", prices=prices, **fields)

    def page(self, product: Any) -> str:
        """A public checkout of a product."""
        return f"/v1/checkouts/client/{self.call('POST', '/v1/checkouts/', products=[product['id']])['client_secret']}"

    def confirm(self, page: str, email: str, card: str = VISA) -> Any:
        """What anybody does at the page."""
        body = {"customer_email": email, "confirmation_token_id": card}
        return self._anybody.post(f"{page}/confirm", json=body).json()

    def order_of(self, checkout: Any) -> Any:
        """The order of a purchase, once it is there. Raises `Failure` for what was answered in its place."""
        if "id" not in checkout:
            raise Failure(f"the purchase was refused: {checkout}")
        return self.until(f"/v1/orders/?checkout_id={checkout['id']}", lambda found: found["items"])["items"][0]

    def buy(self, product: Any, email: str) -> Any:
        """A purchase, with its order."""
        return self.order_of(self.confirm(self.page(product), email))


def merged(shop: Shop) -> Any:
    """Two mailboxes of one derived id: who buys meanwhile has the order of the other, after a decline. Returns it."""
    page = shop.page(shop.product(5000, recurring_interval="month"))
    shop.confirm(page, "ada@strasse.example.com", DECLINED)
    stranger = shop.buy(shop.product(0), "ada@straße.example.com")
    order = shop.order_of(shop.confirm(page, "ada@strasse.example.com"))
    _ensure(order["customer_id"] == stranger["customer_id"], "the release keeps the two mailboxes apart")
    return order


def declined(shop: Shop) -> Any:
    """A stranger's declined attempt, and then the payer's. Returns the payer's order."""
    stranger = shop.buy(shop.product(0), "eve@example.com")
    page = shop.page(shop.product(5000, recurring_interval="month"))
    shop.confirm(page, "eve@example.com", DECLINED)
    order = shop.order_of(shop.confirm(page, "victim@example.com"))
    _ensure(order["customer_id"] == stranger["customer_id"], "the release gives the order to the payer")
    return order


def waiting(shop: Shop) -> Any:
    """A credit of a downgrade that waits on a subscription which ends with its period. Returns its customer's id."""
    clock = shop.call("POST", "/v1/test-clocks/", frozen_time=BEGAN)
    shop.until(f"/v1/test-clocks/{clock['id']}", lambda one: one["status"] == "ready")
    order = shop.buy(shop.product(5000, recurring_interval="month"), "credit@example.com")
    path = f"/v1/subscriptions/{order['subscription_id']}"
    shop.until(path, lambda one: one["status"] == "active")
    cheaper = shop.product(4000, recurring_interval="month")
    advance(shop, clock, CHANGED)
    shop.call("PATCH", path, product_id=cheaper["id"], proration_behavior="prorate")
    shop.call("PATCH", path, cancel_at_period_end=True)
    advance(shop, clock, OVER)
    shop.until(path, lambda one: one["status"] == "canceled")
    return order["customer_id"]


def advance(shop: Shop, clock: Any, to: str) -> None:
    """Moves a test clock, and waits until all has settled."""
    shop.call("POST", f"/v1/test-clocks/{clock['id']}/advance", frozen_time=to)
    shop.until(f"/v1/test-clocks/{clock['id']}", lambda one: one["status"] == "ready")


def run(commit: str) -> int:
    """Makes the rows, upgrades, repairs. Returns 1 when something is not as it should be; raises `Failure`."""
    upgrade = Upgrade(commit)
    try:
        upgrade.start_released()
        shop, timed = upgrade.organization("Shop"), upgrade.organization("Time", "--test")
        misplaced = [merged(shop), declined(shop)]
        waiting(timed)
        upgrade.upgrade()
        stack = upgrade.stack
        _ensure(payable(stack) >= len(misplaced), "the release cancels the intents of declined cards")
        _ensure(leftovers.exposed(stack, repaired=False) == 1, "the intents that are open at Stripe are not named")
        _ensure(leftovers.exposed(stack, repaired=True) == 0, "the intents that are open at Stripe are not repaired")
        _until(lambda: payable(stack) == 0, "intents of declined cards are open at Stripe after the repair")
        _ensure(leftovers.exposed(stack, repaired=False) == 0, "intents are named after the repair")
        _ensure(leftovers.run(stack, repaired=False) == 1, "the entries that wait are not named")
        _ensure(leftovers.misplaced(stack, repaired=False) == 1, "the misplaced cards are not named")
        _ensure(leftovers.run(stack, repaired=True, released=True) == 0, "the entries that wait are not repaired")
        _ensure(leftovers.misplaced(stack, repaired=True) == 0, "the misplaced cards are not repaired")
        for order in misplaced:
            customer = shop.call("GET", f"/v1/customers/{order['customer_id']}")
            _ensure(customer["default_payment_method_id"] is None, "a stranger keeps the buyer's card")
        _ensure(leftovers.run(stack, repaired=False) == 0, "entries wait after the repair")
        _ensure(leftovers.misplaced(stack, repaired=False) == 0, "cards are misplaced after the repair")
        _ensure(audit.run(stack, "") == 0, "the books do not agree after the repair")
    except Failure as failure:
        say(f"✗ {failure}")
        say(f"the services' logs are in {upgrade.stack.logs}")
        return 1
    finally:
        upgrade.stack.down()
    say("\nwhat the released rules left behind was named and repaired")
    return 0


def payable(stack: Stack) -> int:
    """How many intents the local Stripe has that were declined, and that whoever has their secret can pay."""
    headers = {"Authorization": f"Bearer {stack.environment('checkout')['STRIPE_SECRET_KEY']}"}
    answer = httpx.get(f"{stack.stripe_url}/v1/payment_intents", params={"limit": 100}, headers=headers, timeout=60)
    answer.raise_for_status()
    return sum(intent["status"] == "requires_payment_method" for intent in answer.json()["data"])


def _until(is_so: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise Failure(otherwise)
        time.sleep(0.1)


def _ensure(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise Failure(otherwise)
