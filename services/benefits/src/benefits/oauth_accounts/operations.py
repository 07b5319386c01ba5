"""Customers' accounts at other systems: connected by a login, kept, and forgotten."""

from uuid import UUID

from servicekit import clock, ids
from servicekit.auth import Principal, owned_by
from servicekit.database import Sessions
from servicekit.errors import ResourceNotFound
from servicekit.locks import one_at_a_time
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import retries
from benefits.logins import operations as logins
from benefits.logins.operations import CALLBACK, Claimed
from benefits.oauth_accounts.models import OAuthAccount
from benefits.oauth_accounts.schemas import OAuthAccountAuthorize
from benefits.settings import Settings
from benefits.strategies.outside import Outsides
from benefits.strategies.protocol import Account, OutsideError
from benefits.strategies.tokens import Tokens


async def authorize(
    session: AsyncSession, principal: Principal, wish: OAuthAccountAuthorize, settings: Settings
) -> str:
    """Begins a login. Returns the suite's address to which the customer's browser is sent.

    Raises `InvalidInput` for a platform that is not set up, or a page that is not the suite's.
    """
    assert principal.customer_id is not None
    organization_id = principal.organization()
    return await logins.begin(
        session, settings, organization_id, wish.platform, wish.return_to, customer_id=principal.customer_id,
        checkout_id=principal.checkout_id,
    )  # fmt: skip


async def finish(sessions: Sessions, login: Claimed, code: str, settings: Settings, outside: Outsides) -> str:
    """Exchanges the code and keeps the account. Returns where the browser goes: with `error=…` where the other system
    did not confirm it."""
    client = outside.github if login.platform == "github" else outside.discord
    try:
        tokens = await client.exchange(code, login.verifier, settings.public_url + CALLBACK)
        user = await client.me(tokens)
    except OutsideError as error:
        return login.back(error=str(error))
    name = user.login if hasattr(user, "login") else user.username
    async with sessions() as session:
        await _keep(session, login, str(user.id), name, tokens, settings.secret)
    return login.back(connected=login.platform)


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


async def _keep(
    session: AsyncSession, login: Claimed, account_id: str, username: str, tokens: Tokens, secret: str
) -> None:
    assert login.customer_id is not None
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
            checkout_id=login.checkout_id,
        )
        session.add(account)
    else:
        account.modified_at = clock.now()
        if account.checkout_id is not None:
            account.checkout_id = login.checkout_id
    account.username = username
    account.set_tokens(tokens, secret)
    await session.flush()
    await retries.of_customer(session, login.customer_id, login.platform)
