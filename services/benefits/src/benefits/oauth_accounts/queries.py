"""Finding customers' accounts."""

from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from sqlalchemy import ScalarSelect, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.oauth_accounts.models import OAuthAccount


async def connected(
    session: AsyncSession, customer_id: UUID, platform: str, account_id: str | None, checkout_id: ScalarSelect[Any]
) -> OAuthAccount | None:
    """The customer's account that can be used: the chosen one, or where none was chosen the latest.

    `checkout_id` is the purchase that it is used for: see `OAuthAccount.checkout_id`.
    """
    statement = select(OAuthAccount).where(
        OAuthAccount.customer_id == customer_id,
        OAuthAccount.platform == platform,
        OAuthAccount.encrypted_access_token.is_not(None),
        or_(OAuthAccount.checkout_id.is_(None), OAuthAccount.checkout_id == checkout_id),
    )
    if account_id is not None:
        statement = statement.where(OAuthAccount.account_id == account_id)
    return (await session.execute(statement.order_by(OAuthAccount.created_at.desc()).limit(1))).scalar_one_or_none()


async def prove(session: AsyncSession, customer_id: UUID, platform: str, account_id: str) -> None:
    """The customer, who has proven their address, chose an account: it is theirs, whoever connected it."""
    mine = OAuthAccount.customer_id == customer_id, OAuthAccount.platform == platform
    chosen = update(OAuthAccount).where(*mine, OAuthAccount.account_id == account_id).values(checkout_id=None)
    await session.execute(chosen)


async def of_customer(session: AsyncSession, principal: Principal) -> list[OAuthAccount]:
    """The customer's own accounts, the oldest first; those that must be connected again are left out."""
    statement = select(OAuthAccount).where(
        owned_by(principal, OAuthAccount), OAuthAccount.encrypted_access_token.is_not(None)
    )
    return list((await session.execute(statement.order_by(OAuthAccount.created_at, OAuthAccount.id))).scalars())


async def shown(session: AsyncSession, principal: Principal) -> dict[str, Any]:
    """The customer's own accounts as the SDK knows them: by `platform:account_id`."""
    return {
        f"{account.platform}:{account.account_id}": {
            "account_id": account.account_id,
            "account_username": account.username,
        }
        for account in await of_customer(session, principal)
    }
