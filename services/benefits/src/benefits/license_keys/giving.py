"""Keys as grants make them, and how they follow their benefit and their subscription.

The end of a key: for an order, the benefit's time after it was bought. For a subscription, the benefit's time after the
begin of the paid period (where a trial ends, or the last renewal), and never before that period's end, so that a key
which is renewed never runs out; without a time, the key is good as long as its grant.
"""

import secrets
import struct
from base64 import urlsafe_b64encode
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from servicekit import clock, ids
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit
from benefits.license_keys.models import LicenseKey
from benefits.signing_keys import operations as signing_keys
from benefits.signing_keys.models import SigningKey
from benefits.strategies.protocol import Gift

_DAYS = {"day": 1, "month": 30, "year": 365}
_SLACK = timedelta(days=1)
"""How long a subscription's key outlives its period, so that a renewal that is heard of late locks nobody out."""
_SIGNED = struct.Struct(">B16s16sII6s")


async def give(session: AsyncSession, gifts: Sequence[Gift]) -> list[LicenseKey]:
    """Makes the key of each grant, or has it follow; one that the merchant disabled or revoked stays so.

    What the merchant set on a key alone (`own`) stays too.
    """
    known = {key.grant_id: key for key in await _of_grants(session, [gift.grant.id for gift in gifts])}
    signing = {gift.benefit.id: await signing_key_of(session, gift.benefit) for gift in _one_of_each_benefit(gifts)}
    keys = []
    for grant, benefit, entitlement in gifts:
        key = known.get(grant.id)
        if key is None:
            key = _made(grant, benefit, entitlement, signing[benefit.id])
            session.add(key)
        else:
            _follow(key, benefit, entitlement)
        keys.append(key)
    return keys


def _one_of_each_benefit(gifts: Sequence[Gift]) -> Collection[Gift]:
    return {gift.benefit.id: gift for gift in gifts}.values()


def _made(
    grant: BenefitGrant, benefit: Benefit, entitlement: Entitlement, signing_key: SigningKey | None
) -> LicenseKey:
    now = clock.now()
    key = LicenseKey(
        id=ids.uuid7(),
        organization_id=benefit.organization_id,
        created_at=now,
        benefit_id=benefit.id,
        customer_id=grant.customer_id,
        grant_id=grant.id,
        status="granted",
        usage=0,
        validations=0,
        own=[],
        **_terms(benefit, entitlement, now),
    )
    key.key = text_of(key, benefit, grant, signing_key)
    return key


def _follow(key: LicenseKey, benefit: Benefit, entitlement: Entitlement) -> None:
    terms = _terms(benefit, entitlement, key.created_at)
    changes: dict[str, Any] = {name: value for name, value in terms.items() if name not in key.own}
    if key.status == "revoked" and "status" not in key.own:
        changes["status"] = "granted"
    if any(getattr(key, name) != value for name, value in changes.items()):
        for name, value in changes.items():
            setattr(key, name, value)
        key.modified_at = clock.now()


async def revoke(session: AsyncSession, grant_ids: Sequence[UUID]) -> None:
    """Revokes the keys of grants that were taken."""
    for key in await _of_grants(session, grant_ids):
        if key.status == "granted":
            key.status = "revoked"
            key.modified_at = clock.now()


async def _of_grants(session: AsyncSession, grant_ids: Sequence[UUID]) -> Sequence[LicenseKey]:
    """Locked, in one order everywhere."""
    found = select(LicenseKey).where(LicenseKey.grant_id.in_(grant_ids)).order_by(LicenseKey.id).with_for_update()
    return (await session.execute(found)).scalars().all()


async def signing_key_of(session: AsyncSession, benefit: Benefit) -> SigningKey | None:
    """What signs the benefit's keys, made when it is first needed; None for keys that are not signed."""
    if not benefit.properties.get("offline"):
        return None
    return await signing_keys.key_of(session, benefit.organization_id)


def text_of(key: LicenseKey, benefit: Benefit, grant: BenefitGrant, signing_key: SigningKey | None) -> str:
    """What is written on a new key: the benefit's prefix and a random UUID (Polar's form), or a signed text.

    The signed text (docs/guides/offline-license-keys.md) is `<PREFIX>.<base64url>` of 111 bytes: version 1, the key's
    id, the benefit's id, when it was written and when it ends (seconds since 1970, 0 for never), six random bytes, and
    the Ed25519 signature of these 47 bytes. A subscription's key has no end in its text: it is renewed.
    """
    prefix = benefit.properties.get("prefix")
    if signing_key is None:
        return "-".join(part for part in (prefix, str(uuid4())) if part).upper()
    is_final = grant.order_id is not None
    ends = int(key.expires_at.timestamp()) if key.expires_at is not None and is_final else 0
    now = int(clock.now().timestamp())
    message = _SIGNED.pack(1, key.id.bytes, benefit.id.bytes, now, ends, secrets.token_bytes(6))
    signed = message + signing_keys.signature(signing_key, message)
    text = urlsafe_b64encode(signed).decode()
    return f"{prefix.upper()}.{text}" if prefix else text


def _terms(benefit: Benefit, entitlement: Entitlement, since: datetime) -> dict[str, Any]:
    properties = benefit.properties
    return {
        "limit_activations": (properties.get("activations") or {}).get("limit"),
        "limit_usage": properties.get("limit_usage"),
        "expires_at": _expiry(properties.get("expires"), entitlement, since),
    }


def _expiry(expires: dict[str, Any] | None, entitlement: Entitlement, since: datetime) -> datetime | None:
    if not expires:
        return None
    lasts = timedelta(days=expires["ttl"] * _DAYS[expires["timeframe"]])
    if entitlement.kind == "order":
        return since + lasts
    begins = entitlement.period_start or since
    return max(begins + lasts, entitlement.period_end or begins) + _SLACK
