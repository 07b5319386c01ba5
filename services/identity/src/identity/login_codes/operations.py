"""Letting customers in by a code that is mailed to them. Neither an answer nor its time says whether one exists."""

import asyncio
import hmac

from servicekit import clock, ids, mail
from servicekit.database import Sessions
from servicekit.errors import Unauthorized
from servicekit.letters import Letter
from servicekit.tokens import hashed
from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.customer_sessions import operations as customer_sessions
from identity.customers.models import Customer
from identity.login_codes.models import (
    ATTEMPTS,
    LIFETIME,
    PAUSE,
    WINDOW,
    WINDOW_ATTEMPTS,
    WINDOW_MAILS,
    LoginCode,
    generate,
)
from identity.login_codes.schemas import CustomerSessionToken, LoginCodeAuthenticate, LoginCodeRequest
from identity.organizations.models import Organization
from identity.settings import Settings

REFUSED = "The code is not valid, or not valid any more"


REFUSED_AFTER_SECONDS = 0.1
"""A refusal takes at least this long: a counted try is written, and takes longer than looking for a stranger."""


async def request(sessions: Sessions, wish: LoginCodeRequest, settings: Settings) -> None:
    """Mails a code to a customer, at most one a minute and ten a day; for anybody else it does nothing."""
    async with sessions() as session:
        await _mail_code(session, wish, settings)


async def _mail_code(session: AsyncSession, wish: LoginCodeRequest, settings: Settings) -> None:
    customer = await _customer(session, wish)
    if customer is None:
        return
    now, code = clock.wall(), generate()
    values = {
        "created_at": now,
        "code_hash": _hash(customer, code, settings),
        "expires_at": now + LIFETIME,
        "attempts": 0,
    }
    is_over = func.coalesce(LoginCode.window_began_at <= now - WINDOW, True)
    window = {
        "window_began_at": case((is_over, now), else_=LoginCode.window_began_at),
        "window_mails": case((is_over, 1), else_=LoginCode.window_mails + 1),
        "window_attempts": case((is_over, 0), else_=LoginCode.window_attempts),
    }
    written = (
        insert(LoginCode)
        .values(
            id=ids.uuid7(), organization_id=customer.organization_id, customer_id=customer.id, window_began_at=now,
            window_mails=1, window_attempts=0, **values,
        )
        .on_conflict_do_update(
            index_elements=[LoginCode.customer_id],
            set_=values | window,
            where=(LoginCode.created_at <= now - PAUSE) & (is_over | (LoginCode.window_mails < WINDOW_MAILS)),
        )
        .returning(LoginCode.id)
    )  # fmt: skip
    if (await session.execute(written)).first() is None:
        return
    organization = await session.get_one(Organization, customer.organization_id)
    letter = Letter(
        sender=organization.name,
        subject=f"{code} is your code for {organization.name}",
        paragraphs=[
            f"Your code for {organization.name} is {code}.",
            f"It lets you into the customer portal within the next {LIFETIME.seconds // 60} minutes.",
        ],
        notes=["If you did not ask for it, somebody typed your address: you need not do anything."],
    )
    notice = mail.Notice(customer.data["email"], letter, "login_code", customer.id, now.isoformat())
    await mail.write_notices(session, [notice])


async def authenticate(sessions: Sessions, wish: LoginCodeAuthenticate, settings: Settings) -> CustomerSessionToken:
    """Opens a session for the right code, once. Raises `Unauthorized`; each wrong code counts, whatever comes after."""
    earliest = asyncio.get_running_loop().time() + REFUSED_AFTER_SECONDS
    opened = await _opened(sessions, wish, settings)
    if opened is None:
        await asyncio.sleep(earliest - asyncio.get_running_loop().time())
        raise Unauthorized(REFUSED)
    return opened


async def _opened(sessions: Sessions, wish: LoginCodeAuthenticate, settings: Settings) -> CustomerSessionToken | None:
    async with sessions() as session:
        customer = await _customer(session, wish)
        if customer is None:
            return None
        counted = (
            update(LoginCode)
            .where(
                LoginCode.customer_id == customer.id,
                LoginCode.expires_at > clock.wall(),
                LoginCode.attempts < ATTEMPTS,
                LoginCode.window_attempts < WINDOW_ATTEMPTS,
            )
            .values(attempts=LoginCode.attempts + 1, window_attempts=LoginCode.window_attempts + 1)
            .returning(LoginCode.id, LoginCode.code_hash)
        )
        found = (await session.execute(counted)).first()
    if found is None or not hmac.compare_digest(bytes(found.code_hash), _hash(customer, wish.code, settings)):
        return None
    async with sessions() as session:
        used = delete(LoginCode).where(LoginCode.id == found.id, LoginCode.code_hash == found.code_hash)
        if (await session.execute(used.returning(LoginCode.id))).first() is None:
            return None
        session_opened, token = await customer_sessions.open_for(session, customer, None, settings)
    return CustomerSessionToken(token=token, expires_at=session_opened.expires_at)


def _hash(customer: Customer, code: str, settings: Settings) -> bytes:
    """A code is good for the address that it was mailed to: another address of the customer makes another hash."""
    return hashed(f"{customer.id}:{customer.data['email'].lower()}:{code}", settings.secret)


async def _customer(session: AsyncSession, wish: LoginCodeRequest) -> Customer | None:
    statement = select(Customer).where(
        Customer.organization_id == wish.organization_id,
        func.lower(Customer.data["email"].astext) == wish.email.lower(),
        ~Customer.is_deleted,
    )
    return (await session.execute(statement.limit(1))).scalar_one_or_none()
