"""Letting customers in by a code that is mailed to them. Neither an answer nor its time says whether one exists."""

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from contracts.event import NIL
from servicekit import clock, ids, mail
from servicekit.database import Sessions
from servicekit.errors import ServiceError, Unauthorized
from servicekit.letters import Letter
from servicekit.tokens import hashed
from sqlalchemy import case, delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.customer_sessions import operations as customer_sessions
from identity.customer_sessions.models import CustomerSession
from identity.login_codes.addresses import Account, accounts_of, code_owner
from identity.login_codes.models import (
    ATTEMPTS,
    LATE,
    LATE_FIRST,
    LIFETIME,
    PAUSE,
    WINDOW,
    WINDOW_ATTEMPTS,
    WINDOW_MAILS,
    LoginCode,
    LoginRequest,
    generate,
)
from identity.login_codes.schemas import (
    CustomerSelectionOption,
    CustomerSelectionOrganization,
    CustomerSessionToken,
    LoginCodeAuthenticate,
    LoginCodeRequest,
)
from identity.mails.operations import letter
from identity.member_sessions import operations as member_sessions
from identity.member_sessions.models import MemberSession
from identity.organizations.models import Organization
from identity.settings import Settings

REFUSED = "The code is not valid, or not valid any more"


NAMED = 3
"""So many sellers are named in the mail to an address that several know."""
REFUSED_AFTER_SECONDS = 0.1
"""A refusal takes at least this long: a counted try is written, and takes longer than looking for a stranger."""


class CustomerSelectionRequired(ServiceError):
    """The address opens more than one customer: `customers` has the choices, and `customer_id` takes one of them."""

    status_code = 409
    shows: ClassVar[dict[str, Any]] = {"customers": (list[CustomerSelectionOption], ...)}


async def request(sessions: Sessions, wish: LoginCodeRequest, settings: Settings) -> None:
    """Mails a code to who has an address, at most one a minute and ten a day.

    An address that nobody has is looked for again during a minute: its purchase may be a moment old.
    """
    async with sessions() as session:
        if await _mail_code(session, wish.email, wish.organization_id, settings):
            return
        if wish.organization_id is not None and await session.get(Organization, wish.organization_id) is None:
            return
        now = clock.wall()
        waiting = {"created_at": now, "due_at": now + LATE_FIRST, "expires_at": now + LATE}
        kept = insert(LoginRequest).values(
            id=ids.uuid7(), organization_id=wish.organization_id or NIL, email=wish.email.lower(), **waiting
        )
        address = [LoginRequest.organization_id, LoginRequest.email]
        await session.execute(kept.on_conflict_do_update(index_elements=address, set_=waiting))


async def answer_late(session: AsyncSession, late: LoginRequest, settings: Settings) -> None:
    """Looks again for who has an address, whose row the caller has locked; gives up when its minute is over."""
    now = clock.wall()
    organization_id = None if late.organization_id == NIL else late.organization_id
    if await _mail_code(session, late.email, organization_id, settings) or late.expires_at <= now:
        await session.delete(late)
    else:
        late.due_at = now + max(now - late.created_at, LATE_FIRST)


async def _mail_code(session: AsyncSession, email: str, organization_id: UUID | None, settings: Settings) -> bool:
    """Returns False where nobody has the address."""
    accounts = await accounts_of(session, email, organization_id)
    if not accounts:
        return False
    owner = code_owner(accounts, email, organization_id)
    now, code = clock.wall(), generate()
    values = {
        "created_at": now,
        "code_hash": _hash(owner, email, code, settings),
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
            id=ids.uuid7(), organization_id=organization_id or NIL, customer_id=owner, window_began_at=now,
            window_mails=1, window_attempts=0, **values,
        )
        .on_conflict_do_update(
            index_elements=[LoginCode.customer_id],
            set_=values | window,
            where=(LoginCode.created_at <= now - PAUSE) & (is_over | (LoginCode.window_mails < WINDOW_MAILS)),
        )
        .returning(LoginCode.id)
    )  # fmt: skip
    if (await session.execute(written)).first() is not None:
        mailbox = accounts[0].member.email if accounts[0].member else accounts[0].customer.data["email"]
        notice = mail.Notice(mailbox, _letter(accounts, code), "login_code", owner, now.isoformat())
        await mail.write_notices(session, [notice])
    return True


def _letter(accounts: Sequence[Account], code: str) -> Letter:
    """Names the seller, or some of the sellers, of whoever has the mailbox."""
    first = accounts[0]
    values = {"code": code, "minutes": str(LIFETIME.seconds // 60)}
    names = list(dict.fromkeys(account.organization.name for account in accounts))
    if len(names) == 1:
        return letter(first.organization, first.customer, "login_code", **values)
    shops = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
    return replace(letter(first.organization, first.customer, "login_code", shop=shops, **values), sender=shops)


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
        accounts = await accounts_of(session, wish.email, wish.organization_id)
        if not accounts:
            return None
        owner = code_owner(accounts, wish.email, wish.organization_id)
        counted = (
            update(LoginCode)
            .where(
                LoginCode.customer_id == owner,
                LoginCode.expires_at > clock.wall(),
                LoginCode.attempts < ATTEMPTS,
                LoginCode.window_attempts < WINDOW_ATTEMPTS,
            )
            .values(attempts=LoginCode.attempts + 1, window_attempts=LoginCode.window_attempts + 1)
            .returning(LoginCode.id, LoginCode.code_hash)
        )
        found = (await session.execute(counted)).first()
    if found is None or not hmac.compare_digest(bytes(found.code_hash), _hash(owner, wish.email, wish.code, settings)):
        return None
    if wish.customer_id is not None:
        accounts = [account for account in accounts if account.customer.id == wish.customer_id]
    if len(accounts) > 1:
        shown = [_option(account).model_dump(mode="json") for account in accounts]
        raise CustomerSelectionRequired("The address has several accounts: choose one of them", customers=shown)
    if not accounts:
        return None
    async with sessions() as session:
        used = delete(LoginCode).where(LoginCode.id == found.id, LoginCode.code_hash == found.code_hash)
        if (await session.execute(used.returning(LoginCode.id))).first() is None:
            return None
        return await _open(session, accounts[0], settings)


async def _open(session: AsyncSession, account: Account, settings: Settings) -> CustomerSessionToken:
    opened: CustomerSession | MemberSession
    if account.member is not None:
        opened, token = await member_sessions.open_for(session, account.member, None, settings)
    else:
        opened, token = await customer_sessions.open_for(session, account.customer, None, settings)
    return CustomerSessionToken(token=token, expires_at=opened.expires_at)


def _option(account: Account) -> CustomerSelectionOption:
    organization = account.organization
    return CustomerSelectionOption(
        id=account.customer.id,
        name=account.customer.data.get("name"),
        role=account.member.role if account.member is not None else None,
        organization=CustomerSelectionOrganization(id=organization.id, name=organization.name, slug=organization.slug),
    )


def _hash(owner: UUID, email: str, code: str, settings: Settings) -> bytes:
    """A code is good for the address that it was mailed to: another address makes another hash."""
    return hashed(f"{owner}:{email.lower()}:{code}", settings.secret)
