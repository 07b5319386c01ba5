"""What can be done with license keys. Whoever counts a use or takes a slot holds the key's row."""

import base64
from typing import Any
from uuid import UUID

from servicekit import clock, ids
from servicekit.auth import Principal
from servicekit.errors import BadRequest, NotPermitted, ResourceNotFound
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant
from benefits.benefits.models import Benefit
from benefits.license_keys import giving, queries
from benefits.license_keys.models import LicenseKey, LicenseKeyActivation
from benefits.license_keys.schemas import LicenseKeyActivate, LicenseKeyDeactivate, LicenseKeyUpdate
from benefits.signing_keys import operations as signing_keys


async def activate(session: AsyncSession, wish: LicenseKeyActivate) -> dict[str, Any]:
    """Takes one of the key's slots. Raises `ResourceNotFound`, or `NotPermitted` when there is none left."""
    key = await queries.by_key(session, wish.organization_id, wish.key)
    if key is None or key.status != "granted":
        raise ResourceNotFound()
    if key.limit_activations is None:
        raise NotPermitted("This license key does not support activations. Use validate instead.")
    if _is_over(key):
        raise NotPermitted("License key has expired.")
    if len(await queries.activations(session, key)) >= key.limit_activations:
        raise NotPermitted("License key activation limit already reached")
    activation = LicenseKeyActivation(
        id=ids.uuid7(),
        license_key_id=key.id,
        created_at=clock.now(),
        label=wish.label,
        conditions=wish.conditions,
        meta=wish.meta,
    )
    session.add(activation)
    return await activation_fields(session, key, activation)


async def deactivate(session: AsyncSession, wish: LicenseKeyDeactivate) -> None:
    """Gives a slot back. Raises `ResourceNotFound`."""
    key = await queries.by_key(session, wish.organization_id, wish.key)
    activation = await queries.activation(session, key, wish.activation_id) if key is not None else None
    if activation is None:
        raise ResourceNotFound()
    activation.deactivated_at = activation.modified_at = clock.now()


async def get(session: AsyncSession, principal: Principal, id: UUID) -> dict[str, Any]:
    """Raises `ResourceNotFound`."""
    key = await _owned(session, principal, id)
    return {**await queries.fields(session, key), "activations": await queries.activations(session, key)}


async def get_own(session: AsyncSession, principal: Principal, id: UUID) -> dict[str, Any]:
    """As its holder sees it: its activations only where the seller lets holders manage them.

    Raises `ResourceNotFound`.
    """
    shown = await get(session, principal, id)
    benefit = await session.get_one(Benefit, shown["benefit_id"])
    rule = benefit.properties.get("activations") or {}
    return shown if rule.get("enable_customer_admin", True) else {**shown, "activations": []}


async def get_activation(session: AsyncSession, principal: Principal, id: UUID, activation_id: UUID) -> dict[str, Any]:
    """Raises `ResourceNotFound`."""
    key = await _owned(session, principal, id)
    activation = await queries.activation(session, key, activation_id)
    if activation is None:
        raise ResourceNotFound()
    return await activation_fields(session, key, activation)


async def update(session: AsyncSession, principal: Principal, id: UUID, changes: LicenseKeyUpdate) -> dict[str, Any]:
    """Changes a key; what is set here stays when its benefit is edited. Raises `ResourceNotFound`."""
    key = await _owned(session, principal, id, lock=True)
    own = set(key.own)
    for name, value in changes.model_dump(exclude_unset=True).items():
        if not (value is None and name in {"status", "usage"}):
            setattr(key, name, value)
            own.add(name)
    if changes.status == "granted":
        own.discard("status")
    key.own = sorted(own - {"usage"})
    key.modified_at = clock.now()
    return await queries.fields(session, key)


async def rotate(
    session: AsyncSession, principal: Principal, id: UUID, benefit: Benefit, grant: BenefitGrant
) -> LicenseKey:
    """Writes another text on a key: the old one is good no more, everything else about it stays.

    Raises `ResourceNotFound`, or `BadRequest` for a key that is disabled or revoked.
    """
    key = await _owned(session, principal, id, lock=True)
    if key.status != "granted":
        raise BadRequest(f"License key is {key.status} and cannot be rotated.")
    signing_key = await giving.signing_key_of(session, benefit)
    key.key = giving.text_of(key, benefit, grant, signing_key)
    key.modified_at = clock.now()
    return key


async def public_key(session: AsyncSession, organization_id: UUID) -> dict[str, Any]:
    """An organization's key for verifying. Raises `ResourceNotFound` until it sells keys that are signed."""
    key = await signing_keys.public_key(session, organization_id)
    if key is None:
        raise ResourceNotFound()
    return {"organization_id": organization_id, "public_key": base64.b64encode(key.public_key).decode()}


async def activation_fields(session: AsyncSession, key: LicenseKey, activation: LicenseKeyActivation) -> dict[str, Any]:
    """What is shown of an activation, its key included."""
    shown = {name: getattr(activation, name) for name in ("id", "license_key_id", "label", "meta", "created_at")}
    return {**shown, "modified_at": activation.modified_at, "license_key": await queries.fields(session, key)}


async def _owned(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> LicenseKey:
    key = await queries.find(session, principal, id, lock=lock)
    if key is None:
        raise ResourceNotFound()
    return key


def _is_over(key: LicenseKey) -> bool:
    return key.expires_at is not None and key.expires_at <= clock.now()
