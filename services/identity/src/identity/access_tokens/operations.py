"""Creating tokens, and finding out whom one belongs to."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from servicekit import clock
from servicekit.auth import Principal
from servicekit.errors import Unauthorized
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from identity.access_tokens.models import AccessToken, generate, hashed, is_well_formed

USAGE_NOTED_EVERY = timedelta(minutes=1)


async def create(
    session: AsyncSession, secret: str, organization_id: UUID, comment: str, scopes: Iterable[str]
) -> tuple[AccessToken, str]:
    """Creates a token and returns it with its text, which is shown this once and not kept."""
    text = generate()
    token = AccessToken(
        organization_id=organization_id, token_hash=hashed(text, secret), comment=comment, scopes=sorted(scopes)
    )
    session.add(token)
    await session.flush()
    return token, text


async def authenticate(session: AsyncSession, secret: str, text: str) -> Principal:
    """Whom a token belongs to. Raises `Unauthorized` when it is unknown, revoked or expired."""
    if not is_well_formed(text):
        raise Unauthorized("the access token is not valid")
    now = clock.now()
    token = (
        await session.execute(select(AccessToken).where(AccessToken.token_hash == hashed(text, secret)))
    ).scalar_one_or_none()
    if token is None or token.revoked_at is not None:
        raise Unauthorized("the access token is not valid")
    if token.expires_at is not None and token.expires_at <= now:
        raise Unauthorized("the access token has expired")
    if token.last_used_at is None or now - token.last_used_at > USAGE_NOTED_EVERY:
        await session.execute(update(AccessToken).where(AccessToken.id == token.id).values(last_used_at=now))
    return Principal("organization", token.id, (token.organization_id,), frozenset(token.scopes))
