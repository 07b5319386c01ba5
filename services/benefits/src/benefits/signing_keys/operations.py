"""Making and using the keys that sign license keys."""

from typing import Any
from uuid import UUID

from servicekit import clock
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.signing_keys.models import SigningKey

_suite: dict[str, str] = {}


def configure(secret: str) -> None:
    """Tells this process the suite's secret, with which private keys are sealed; done at each start."""
    _suite["secret"] = secret


async def key_of(session: AsyncSession, organization_id: UUID) -> SigningKey:
    """The organization's key, made when it is first needed."""
    found = await public_key(session, organization_id)
    if found is None:
        made: dict[str, Any] = SigningKey.made(_suite["secret"])
        row = insert(SigningKey).values(organization_id=organization_id, created_at=clock.now(), **made)
        await session.execute(row.on_conflict_do_nothing())
        found = await public_key(session, organization_id)
    assert found is not None
    return found


async def public_key(session: AsyncSession, organization_id: UUID) -> SigningKey | None:
    """The organization's key, if it has one."""
    return await session.get(SigningKey, organization_id)


def signature(key: SigningKey, message: bytes) -> bytes:
    """The organization's signature of a message: 64 bytes."""
    return key.sign(message, _suite["secret"])
