"""What the tests of checkout do again and again."""

import hashlib
import hmac
import json
import time
from typing import Any
from uuid import UUID

import httpx
from contracts.catalog import Product
from contracts.event import Event
from contracts.identity import Organization, OrganizationCreatedV1, OrganizationUpdatedV1
from servicekit import clock

WEBHOOK_SECRET = "whsec_of_the_tests"


def seller_told(organization_id: UUID, sequence: int = 1, **changes: Any) -> Event[Organization]:
    """What identity tells of a seller; `sequence` above 1 is an update."""
    now = clock.now()
    fields = {
        "id": organization_id, "created_at": now, "modified_at": None, "name": "Shop", "slug": str(organization_id),
        "avatar_url": None, "email": None, "website": None, **changes,
    }  # fmt: skip
    contract = OrganizationCreatedV1 if sequence == 1 else OrganizationUpdatedV1
    data = Organization.model_validate(fields)
    return contract(subject=data.id, organization_id=data.id, time=now, sequence=sequence, data=data)


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
