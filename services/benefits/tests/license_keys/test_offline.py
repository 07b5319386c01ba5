"""Keys that are verified without asking: the guide's own example does it."""

import base64
import re
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from sqlalchemy import text

GUIDE = Path(__file__).parents[4] / "docs/guides/offline-license-keys.md"
OFFLINE = {"prefix": "demo", "offline": True}


@pytest.fixture
def verified():
    """The function that the guide shows."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    names = {}
    exec(code, names)
    return names["verified"]


async def public_key(anonymous, organization_id):
    answer = await anonymous.get(
        "/v1/customer-portal/license-keys/public-key", params={"organization_id": str(organization_id)}
    )
    return answer.json()["public_key"] if answer.status_code == 200 else answer.status_code


def with_another_signature(key):
    """`key` with one bit of its signature changed, whatever that signature is."""
    prefix, encoded = key.split(".")
    signed = bytearray(base64.urlsafe_b64decode(encoded))
    signed[-20] ^= 1
    return f"{prefix}.{base64.urlsafe_b64encode(signed).decode()}"


async def test_a_key_is_verified_with_the_organizations_public_key(story, client, anonymous, organization_id, verified):
    assert await public_key(anonymous, organization_id) == 404
    benefit = await story.benefit(properties={**OFFLINE, "expires": {"ttl": 1, "timeframe": "year"}})
    await story.bought_once(await story.product(benefit))
    key = await story.key()
    known = await public_key(anonymous, organization_id)
    assert key["key"].startswith("DEMO.")
    assert len(key["key"]) == 153
    assert verified(key["key"], known, benefit["id"]) == UUID(key["id"])
    other = await story.benefit(type="custom", properties={})
    with pytest.raises(ValueError, match="not a key"):
        verified(key["key"], known, other["id"])
    with pytest.raises(InvalidSignature):
        verified(with_another_signature(key["key"]), known, benefit["id"])
    with pytest.raises(InvalidSignature):
        verified(key["key"], base64.b64encode(bytes(range(32))).decode(), benefit["id"])
    body = {"key": key["key"], "organization_id": key["organization_id"]}
    assert (await client.post("/v1/license-keys/validate", json=body)).status_code == 200
    rotated = (await client.post(f"/v1/license-keys/{key['id']}/rotate")).json()
    assert verified(rotated["key"], known, benefit["id"]) == UUID(key["id"])
    assert rotated["key"] != key["key"]


async def test_an_order_s_end_is_in_the_text_and_a_subscription_s_is_not(story, client):
    benefit = await story.benefit(properties={"offline": True, "expires": {"ttl": 1, "timeframe": "day"}})
    product = await story.product(benefit)
    await story.bought_once(product)
    await story.subscribed(product)
    keys = (await client.get("/v1/license-keys/", params={"sorting": "created_at"})).json()["items"]
    ends = [int.from_bytes(base64.urlsafe_b64decode(key["key"])[37:41], "big") for key in keys]
    assert ends[0] > 0
    assert ends[1] == 0


async def test_private_keys_are_kept_encrypted(story, database, organization_id):
    await story.bought_once(await story.product(await story.benefit(properties=OFFLINE)))
    async with database.transaction() as session:
        row = (await session.execute(text("select * from signing_keys"))).one()
    assert row.organization_id == organization_id
    assert len(row.public_key) == 32
    assert row.encrypted_private_key.startswith(b"gAAAA")
