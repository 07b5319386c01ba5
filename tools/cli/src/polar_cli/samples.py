"""`./polar samples`: a small shop to look at, loaded through the public API as a client would."""

from typing import Any

from polar_cli.console import Failure, say, step
from polar_cli.demo import Client
from polar_cli.stack import Stack
from polar_cli.state import ROOT

MARK = {"sample": "true"}
"""Metadata of what is loaded, so that a second load finds it."""
PRODUCTS: tuple[dict[str, Any], ...] = (
    {
        "name": "Handbook",
        "description": "A book as a file, bought once.",
        "prices": [{"amount_type": "fixed", "price_amount": 1900, "price_currency": "usd"}],
    },
    {
        "name": "Pro Plan",
        "description": "A plan for one person, with a license key.",
        "recurring_interval": "month",
        "prices": [
            {"amount_type": "fixed", "price_amount": 2900, "price_currency": "usd"},
            {"amount_type": "fixed", "price_amount": 2700, "price_currency": "eur"},
        ],
    },
    {
        "name": "Team Plan",
        "description": "A plan by the year, paid for each seat, with a trial of two weeks.",
        "recurring_interval": "year",
        "trial_interval": "day",
        "trial_interval_count": 14,
        "prices": [
            {
                "amount_type": "seat_based",
                "price_currency": "usd",
                "seat_tiers": {"tiers": [{"min_seats": 1, "price_per_seat": 9900}]},
            }
        ],
    },
    {
        "name": "Donation",
        "description": "The buyer chooses the amount.",
        "prices": [{"amount_type": "custom", "price_currency": "usd", "minimum_amount": 100, "preset_amount": 1000}],
    },
)
BUYERS = (
    ("Handbook", "ada@example.com", "pm_card_visa"),
    ("Pro Plan", "ada@example.com", "pm_card_visa"),
    ("Pro Plan", "grace@example.com", "pm_card_mastercard"),
    ("Team Plan", "team@example.com", "pm_card_visa"),
    ("Donation", "alan@example.com", "pm_card_visa"),
)
"""Product, address and card of each purchase."""


def load(stack: Stack) -> int:
    """Creates products, a benefit, a discount, and buyers with orders and subscriptions, unless they are there.

    Returns 0. Raises `Failure` with what the API answered, and for a stack that takes real money.
    """
    if stack.is_live:
        raise Failure("sample purchases are made with test cards, and this stack takes real money", code=2)
    about = stack.client_environment()
    client = Client(about["POLAR_API_URL"], about["POLAR_ACCESS_TOKEN"])
    present = client.call("GET", "/v1/products/?metadata[sample]=true&limit=100")["items"]
    known = {product["name"]: product for product in present}
    if known.keys() >= {wanted["name"] for wanted in PRODUCTS}:
        say("the samples are loaded already")
        return 0
    with step("sample products"):
        products = {wanted["name"]: known.get(wanted["name"]) or _product(client, wanted) for wanted in PRODUCTS}
        _extras(client, products["Pro Plan"])
    with step("sample purchases"):
        for name, email, card in BUYERS:
            _buy(client, products[name], email, card)
    env = (stack.folder / "env").relative_to(ROOT)
    say(f"{len(PRODUCTS)} products and {len(BUYERS)} purchases; the token in {env} sees them: GET /v1/orders/")
    return 0


def _product(client: Client, wanted: dict[str, Any]) -> Any:
    return client.call("POST", "/v1/products/", {**wanted, "metadata": MARK})


def _extras(client: Client, product: Any) -> None:
    key = {"type": "license_keys", "description": "License key", "properties": {"prefix": "PRO"}, "metadata": MARK}
    benefit = client.call("POST", "/v1/benefits/", key)
    client.call("POST", f"/v1/products/{product['id']}/benefits", {"benefits": [benefit["id"]]})
    percent = {"type": "percentage", "basis_points": 2000, "duration": "once", "metadata": MARK}
    client.call("POST", "/v1/discounts/", {"name": "20 % off", **percent})


def _buy(client: Client, product: Any, email: str, card: str) -> None:
    """Buys as a customer does, and waits for the order."""
    checkout = client.call("POST", "/v1/checkouts/", {"products": [product["id"]], "customer_email": email})
    body = {"client_secret": checkout["client_secret"], "confirmation_token_id": card}
    bought = client.call("POST", f"/v1/checkouts/{checkout['id']}/confirm", body)
    client.wait_for(f"/v1/orders/{bought['order_id']}", f"the order of {product['name']}", lambda _: True)
