"""Creating tokens, and finding out whom one belongs to."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from servicekit import clock
from servicekit.auth import Principal, owned_by
from servicekit.errors import NotPermitted, ResourceNotFound, Unauthorized
from servicekit.lists import Page, Sorting, fetch_page
from servicekit.quotas import Quotas
from servicekit.tokens import generate, hashed, is_well_formed
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from identity.organization_access_tokens.models import PREFIX, AccessToken
from identity.organization_access_tokens.schemas import OrganizationAccessTokenCreate, OrganizationAccessTokenUpdate
from identity.organizations.models import Organization

USAGE_NOTED_EVERY = timedelta(minutes=1)


async def create(
    session: AsyncSession,
    secret: str,
    organization_id: UUID,
    comment: str,
    scopes: Iterable[str],
    expires_in: timedelta | None = None,
) -> tuple[AccessToken, str]:
    """Creates a token and returns it with its text, which is shown this once and not kept."""
    text, now = generate(PREFIX), clock.wall()
    token = AccessToken(
        created_at=now,
        organization_id=organization_id,
        token_hash=hashed(text, secret),
        comment=comment,
        scopes=sorted(scopes),
        expires_at=now + expires_in if expires_in else None,
    )
    session.add(token)
    await session.flush()
    return token, text


async def create_for(
    session: AsyncSession, secret: str, principal: Principal, wish: OrganizationAccessTokenCreate, quotas: Quotas
) -> tuple[AccessToken, str]:
    """Creates a token for a caller. Raises `NotPermitted` for a scope that it has not itself, and `QuotaExceeded`."""
    organization_id = principal.organization(wish.organization_id)
    _within(principal, wish.scopes)
    await quotas.ensure_room(session, AccessToken, organization_id, AccessToken.revoked_at.is_(None))
    return await create(session, secret, organization_id, wish.comment, wish.scopes, wish.expires_in)


async def list_tokens(
    session: AsyncSession,
    principal: Principal,
    organization_id: Sequence[UUID] | None,
    page: Page,
    sorting: Sorting,
) -> tuple[list[AccessToken], int]:
    """The caller's tokens that are not revoked; an expired one is listed until it is deleted."""
    statement = select(AccessToken).where(owned_by(principal, AccessToken), AccessToken.revoked_at.is_(None))
    if organization_id is not None:
        statement = statement.where(AccessToken.organization_id.in_(organization_id))
    columns = {
        "created_at": AccessToken.created_at,
        "comment": AccessToken.comment,
        "last_used_at": AccessToken.last_used_at,
    }
    return await fetch_page(session, statement, page, sorting.clauses(columns, AccessToken.id))


async def find(session: AsyncSession, principal: Principal, token_id: UUID) -> AccessToken:
    """A token of the caller that is not revoked, locked for a change. Raises `ResourceNotFound`."""
    statement = select(AccessToken).where(
        owned_by(principal, AccessToken), AccessToken.id == token_id, AccessToken.revoked_at.is_(None)
    )
    token = (await session.execute(statement.with_for_update())).scalar_one_or_none()
    if token is None:
        raise ResourceNotFound()
    return token


async def update_token(
    session: AsyncSession, principal: Principal, token_id: UUID, changes: OrganizationAccessTokenUpdate
) -> AccessToken:
    """Changes a token. Raises `ResourceNotFound`, or `NotPermitted` for a scope that the caller has not itself."""
    token = await find(session, principal, token_id)
    if changes.scopes is not None:
        _within(principal, changes.scopes)
        token.scopes = changes.scopes
    if changes.comment is not None:
        token.comment = changes.comment
    token.modified_at = clock.wall()
    return token


async def revoke(session: AsyncSession, principal: Principal, token_id: UUID) -> None:
    """Revokes a token; the gateway refuses it within its cache's few seconds. Raises `ResourceNotFound`."""
    (await find(session, principal, token_id)).revoked_at = clock.wall()


def _within(principal: Principal, scopes: Iterable[str]) -> None:
    """Nobody gives away more than they have. `:write` implies `:read`."""
    held = principal.scopes | {scope.replace(":write", ":read") for scope in principal.scopes}
    beyond = sorted(set(scopes) - held)
    if beyond:
        raise NotPermitted(f"this token has not itself: {', '.join(beyond)}")


async def authenticate(session: AsyncSession, secret: str, text: str) -> Principal:
    """Whom a token belongs to. Raises `Unauthorized` when it is unknown, revoked or expired."""
    if not is_well_formed(text, PREFIX):
        raise Unauthorized("the access token is not valid")
    now = clock.wall()
    statement = select(AccessToken, Organization.is_test).join(
        Organization, Organization.id == AccessToken.organization_id
    )
    found = (await session.execute(statement.where(AccessToken.token_hash == hashed(text, secret)))).first()
    token: AccessToken | None = found.AccessToken if found is not None else None
    if found is None or token is None or token.revoked_at is not None:
        raise Unauthorized("the access token is not valid")
    if token.expires_at is not None and token.expires_at <= now:
        raise Unauthorized("the access token has expired")
    if token.last_used_at is None or now - token.last_used_at > USAGE_NOTED_EVERY:
        await session.execute(update(AccessToken).where(AccessToken.id == token.id).values(last_used_at=now))
    return Principal("organization", token.id, (token.organization_id,), frozenset(token.scopes), is_test=found.is_test)
