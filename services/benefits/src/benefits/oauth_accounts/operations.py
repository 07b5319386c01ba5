"""Connecting a customer's account by OAuth 2.0's code flow, with a `state` that is good once and PKCE (RFC 7636)."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from servicekit import clock, ids
from servicekit.auth import Principal, owned_by
from servicekit.database import Sessions
from servicekit.errors import InvalidInput, NotPermitted, ResourceNotFound
from servicekit.locks import one_at_a_time
from servicekit.sealing import cipher
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import retries
from benefits.oauth_accounts.models import OAuthAccount, OAuthLogin
from benefits.oauth_accounts.schemas import OAuthAccountAuthorize
from benefits.settings import Settings
from benefits.strategies.outside import Outsides
from benefits.strategies.protocol import Account, OutsideError
from benefits.strategies.tokens import Tokens

LIFETIME = timedelta(minutes=10)
CALLBACK = "/v1/customer-portal/oauth-accounts/callback"
_PURPOSE = "benefits: verifiers of logins"


@dataclass(frozen=True)
class _Login:
    """A login as it was begun."""

    organization_id: UUID
    customer_id: UUID
    platform: str
    verifier: str
    return_to: str


async def authorize(
    session: AsyncSession, principal: Principal, wish: OAuthAccountAuthorize, settings: Settings, outside: Outsides
) -> str:
    """Begins a login; returns the address of the other system's page.

    Raises `InvalidInput` for a platform that is not set up, or a page that is not the suite's.
    """
    if wish.platform not in settings.platforms:
        raise InvalidInput(("body", "platform"), f"{wish.platform} is not set up")
    if not _is_ours(wish.return_to, settings):
        raise InvalidInput(("body", "return_to"), "should be a path, or a page of this suite or an allowed origin")
    assert principal.customer_id is not None
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    now = clock.now()
    await _forget_old(session, now)
    login = OAuthLogin(
        state_hash=_hash(state),
        organization_id=principal.organization(),
        customer_id=principal.customer_id,
        platform=wish.platform,
        encrypted_verifier=cipher(settings.secret, _PURPOSE).encrypt(verifier.encode()),
        return_to=wish.return_to,
        expires_at=now + LIFETIME,
    )
    session.add(login)
    challenge = base64.urlsafe_b64encode(_hash(verifier)).decode().rstrip("=")
    redirect_uri = settings.public_url + CALLBACK
    if wish.platform == "github":
        page, query = (
            f"{settings.github_url}/login/oauth/authorize",
            outside.github.authorize_url(state, challenge, redirect_uri),
        )
    else:
        page, query = (
            f"{settings.discord_url}/oauth2/authorize",
            outside.discord.authorize_url(state, challenge, redirect_uri),
        )
    return f"{page}?{urlencode(query)}"


async def finish(sessions: Sessions, state: str, code: str | None, settings: Settings, outside: Outsides) -> str:
    """Ends a login: the code is exchanged and the account kept. Returns where the browser goes.

    An account that was not confirmed brings `error=…` to that page. Raises `NotPermitted` for a `state` that is not
    known, was used, or is too old.
    """
    async with sessions() as session:
        login = await _consume(session, state, settings)
    if login is None:
        raise NotPermitted("This login is not known, was finished already, or took too long; begin again")
    if not code:
        return _with(login.return_to, error="access_denied")
    client = outside.github if login.platform == "github" else outside.discord
    try:
        tokens = await client.exchange(code, login.verifier, settings.public_url + CALLBACK)
        user = await client.me(tokens)
    except OutsideError as error:
        return _with(login.return_to, error=str(error))
    name = user.login if hasattr(user, "login") else user.username
    async with sessions() as session:
        await _keep(session, login, str(user.id), name, tokens, settings.secret)
    return _with(login.return_to, connected=login.platform)


async def disconnect(session: AsyncSession, principal: Principal, id: UUID) -> None:
    """Forgets an account's tokens. What it was given stays until its grants end. Raises `ResourceNotFound`."""
    statement = select(OAuthAccount).where(
        owned_by(principal, OAuthAccount), OAuthAccount.id == id, OAuthAccount.encrypted_access_token.is_not(None)
    )
    account = (await session.execute(statement.with_for_update())).scalar_one_or_none()
    if account is None:
        raise ResourceNotFound()
    account.forget_tokens(clock.now())


async def keep_tokens(session: AsyncSession, id: UUID, tokens: Tokens, secret: str) -> Account:
    """Keeps an account's refreshed tokens."""
    account = await session.get_one(OAuthAccount, id, with_for_update=True)
    account.set_tokens(tokens, secret)
    account.modified_at = clock.now()
    return Account(account.id, account.account_id, tokens)


async def forget_tokens(session: AsyncSession, id: UUID, tokens: Tokens, secret: str) -> None:
    """The outside does not take an account's tokens any more; tokens that were renewed meanwhile stay."""
    account = await session.get_one(OAuthAccount, id, with_for_update=True)
    if account.is_connected and account.tokens(secret).access_token == tokens.access_token:
        account.forget_tokens(clock.now())


async def _forget_old(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(OAuthLogin).where(OAuthLogin.expires_at < now))


async def _consume(session: AsyncSession, state: str, settings: Settings) -> _Login | None:
    used = delete(OAuthLogin).where(OAuthLogin.state_hash == _hash(state)).returning(OAuthLogin)
    login = (await session.execute(used)).scalar_one_or_none()
    if login is None or login.expires_at <= clock.now():
        return None
    verifier = cipher(settings.secret, _PURPOSE).decrypt(login.encrypted_verifier).decode()
    return _Login(login.organization_id, login.customer_id, login.platform, verifier, login.return_to)


async def _keep(
    session: AsyncSession, login: _Login, account_id: str, username: str, tokens: Tokens, secret: str
) -> None:
    # Two logins of one account may end at once: the second finds what the first has kept.
    await one_at_a_time(session, f"account {login.platform} {account_id} of {login.customer_id}")
    found = select(OAuthAccount).where(
        OAuthAccount.customer_id == login.customer_id,
        OAuthAccount.platform == login.platform,
        OAuthAccount.account_id == account_id,
    )
    account = (await session.execute(found.with_for_update())).scalar_one_or_none()
    if account is None:
        account = OAuthAccount(
            id=ids.uuid7(),
            organization_id=login.organization_id,
            created_at=clock.now(),
            customer_id=login.customer_id,
            platform=login.platform,
            account_id=account_id,
        )
        session.add(account)
    else:
        account.modified_at = clock.now()
    account.username = username
    account.set_tokens(tokens, secret)
    await session.flush()
    await retries.of_customer(session, login.customer_id, login.platform)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _is_ours(page: str, settings: Settings) -> bool:
    """Whether a browser may be sent there: never to a stranger's page."""
    if any(character in page for character in "\\\r\n\t\x00"):
        return False
    try:
        parts = urlsplit(page)
    except ValueError:
        return False
    if not parts.scheme and not parts.netloc:
        return page.startswith("/") and not page.startswith("//")
    allowed = {
        settings.public_url.rstrip("/"),
        *(origin.rstrip("/") for origin in settings.cors_origins if origin != "*"),
    }
    return f"{parts.scheme}://{parts.netloc}" in allowed


def _with(page: str, **query: str) -> str:
    parts = urlsplit(page)
    return urlunsplit(
        parts._replace(query=urlencode([*parse_qsl(parts.query, keep_blank_values=True), *query.items()]))
    )
