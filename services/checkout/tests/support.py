"""What the tests of checkout do again and again."""

import hashlib
import hmac
import json
import time
from typing import Any

import httpx
from contracts.catalog import Product

WEBHOOK_SECRET = "whsec_of_the_tests"


async def opened(client: httpx.AsyncClient, product: Product, **changes: Any) -> dict[str, Any]:
    """A checkout for a product, with an e-mail."""
    body = {"product_price_id": str(product.prices[0].id), "customer_email": "Ada@Example.com", **changes}
    answer = await client.post("/v1/checkouts/", json=body)
    assert answer.status_code == 201, answer.text
    checkout: dict[str, Any] = answer.json()
    return checkout


async def confirmed(client: httpx.AsyncClient, checkout: dict[str, Any], **changes: Any) -> httpx.Response:
    """Confirms a checkout with a card that works."""
    body = {"client_secret": checkout["client_secret"], "confirmation_token_id": "pm_card_visa", **changes}
    return await client.post(f"/v1/checkouts/{checkout['id']}/confirm", json=body)


async def call_back(client: httpx.AsyncClient, event: Any, *, secret: str = WEBHOOK_SECRET) -> httpx.Response:
    """Sends an event as Stripe does: signed now."""
    body, at = json.dumps(event).encode(), int(time.time())
    signature = hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={at},v1={signature}", "Content-Type": "application/json"}
    return await client.post("/v1/integrations/stripe/webhook", content=body, headers=headers)
