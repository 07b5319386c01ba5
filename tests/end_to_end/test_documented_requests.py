"""The documented API's own curl commands, sent as curl would send them, GET bodies included."""

import csv
import io
import json
import os
import shlex
from pathlib import Path

import httpx
import pytest
from servicekit.testing import eventually


def commands():
    """Every command of each section's file in `documented/`: the command, its status, and the documented keys."""
    for file in sorted((Path(__file__).parent / "documented").glob("*.sh")):
        for number, block in enumerate(file.read_text().split("\n\n")[1:], start=1):
            expected, *command = block.strip().splitlines()
            status, _, shape = expected.removeprefix("#= ").partition(" ")
            yield pytest.param("\n".join(command), int(status), shape, id=f"{file.stem}-{number}")


@pytest.fixture(scope="session")
async def real(shop):
    """What the commands name, by the example ids that they use: a purchase by a customer with all details."""
    customer = await shop.call(
        "POST",
        "/v1/customers/",
        {
            "email": f"{os.urandom(6).hex()}@example.com",
            "name": "John Doe",
            "external_id": os.urandom(6).hex(),
            "tax_id": "US123456789",
            "billing_address": {
                "line1": "123 Main St", "city": "San Francisco", "state": "CA", "postal_code": "94102", "country": "US",
            },
            "metadata": {"signup_source": "website", "plan_tier": "enterprise"},
        },
    )  # fmt: skip
    endpoint = await shop.call(
        "POST", "/v1/webhooks/endpoints", {"url": f"{shop.receiver.url}/other", "events": ["order.created"]}
    )
    bought = await shop.checkout(customer_id=customer["id"], metadata={"source": "website"})
    ids = (await shop.confirm(bought)).json()
    await shop.settled(ids)

    async def delivered():
        found = await shop.items("webhooks/events", webhook_endpoint_id=endpoint["id"])
        return found[0] if found and found[0]["last_http_code"] else None

    event = await eventually(delivered, seconds=60)
    checkout = await shop.checkout()
    return {
        "550e8400-e29b-41d4-a716-446655440000": shop.organization_id,
        "650e8400-e29b-41d4-a716-446655440001": shop.product["id"],
        "750e8400-e29b-41d4-a716-446655440002": shop.price_id,
        "850e8400-e29b-41d4-a716-446655440003": shop.benefit["id"],
        "850e8400-e29b-41d4-a716-446655440004": shop.benefit["id"],
        "a50e8400-e29b-41d4-a716-446655440006": ids["customer_id"],
        "b50e8400-e29b-41d4-a716-446655440007": ids["subscription_id"],
        "d50e8400-e29b-41d4-a716-446655440009": checkout["id"],
        "checkout_secret_xxxxxxxxxxxxx": checkout["client_secret"],
        "stripe_confirmation_token_xxxxx": "pm_card_visa",
        "f50e8400-e29b-41d4-a716-446655440011": endpoint["id"],
        "g50e8400-e29b-41d4-a716-446655440012": event["id"],
    }


def request_of(command, base, token, real):
    """A curl command as the request that curl would send, with its own content type for `-d`."""
    for example, value in real.items():
        command = command.replace(example, value)
    command = command.replace("https://api.polar.sh", base).replace("YOUR_ACCESS_TOKEN", token)
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    method, url, headers, body = "GET", "", {"User-Agent": "curl/7.88.1", "Accept": "*/*"}, None
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            # curl takes the line ends out of what follows -d.
            body = next(words).replace("\n", "")
        elif word == "--output":
            next(words)
        else:
            url = word
    if body is not None:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    return httpx.Request(method, url, headers=headers, content=body)


def missing(documented, answered, path=""):
    """The documented keys that an answer does not have, at any depth; every list has an item to look at."""
    if isinstance(documented, dict):
        if not isinstance(answered, dict):
            return [path]
        found = []
        for name, inner in documented.items():
            found += missing(inner, answered[name], f"{path}.{name}") if name in answered else [f"{path}.{name}"]
        return found
    if isinstance(documented, list) and documented:
        return missing(documented[0], answered[0], f"{path}[0]") if answered else [f"{path}[0]"]
    return []


@pytest.mark.parametrize(("command", "status", "shape"), list(commands()))
async def test_the_documented_command(api, real, command, status, shape):
    token = api.headers["Authorization"].removeprefix("Bearer ")
    async with httpx.AsyncClient(timeout=30) as http:
        answer = await http.send(request_of(command, str(api.base_url).rstrip("/"), token, real))
    assert answer.status_code == status, answer.text
    assert answer.headers["Polar-Version"] == "seed"
    if shape.startswith("csv "):
        header, *lines = csv.reader(io.StringIO(answer.text))
        assert header == shape.removeprefix("csv ").split(",")
        assert lines
    else:
        assert missing(json.loads(shape), answer.json()) == []


def test_every_section_has_its_file():
    sections = {command.id.partition("-")[0] for command in commands()}
    assert len(sections) == 18
