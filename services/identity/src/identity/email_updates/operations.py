"""Changing a customer's e-mail address: a link to the new one proves it, and ends what the old one opened.

No answer says whether another customer has an address, but to who has proven that it is theirs.
"""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from contracts.identity import CustomerEmailVerifiedV1
from contracts.identity import EmailUpdate as Verified
from servicekit import clock, ids, mail, mailed_codes, outbox
from servicekit.auth import Principal, owned_by
from servicekit.errors import InvalidInput, NotPermitted, ResourceNotFound, Unauthorized
from servicekit.tokens import generate, hashed
from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.customer_sessions import operations as customer_sessions
from identity.customer_sessions.models import CustomerSession
from identity.customers.models import Customer
from identity.email_updates.models import LIFETIME, PAUSE, PREFIX, WINDOW, WINDOW_MAILS, EmailUpdate
from identity.login_codes.models import LoginCode
from identity.mails.operations import letter
from identity.member_sessions import operations as member_sessions
from identity.organizations.models import Organization
from identity.settings import Settings

REFUSED = "The link is not valid, or not valid any more"


class EmailUpdateNotAllowed(NotPermitted):
    """The organization does not let its customers change their address by themselves."""


async def request(session: AsyncSession, principal: Principal, email: str, settings: Settings) -> None:
    """Mails a link to the new address, at most one a minute and ten a day; none where another customer has it.

    So many for a customer, and for an address: anybody becomes any number of customers of a seller.

    Raises `EmailUpdateNotAllowed`, or `InvalidInput` for the present address. In a team only the owner changes it,
    since who has the team's address as a member goes with it.
    """
    if principal.member_id is not None:
        _, member = await member_sessions.present(session, principal)
        if member.role != "owner":
            raise EmailUpdateNotAllowed("Only the owner of a team changes its e-mail address")
    customer = await _own(session, principal)
    organization = await session.get_one(Organization, customer.organization_id)
    if not _allows(organization):
        raise EmailUpdateNotAllowed("Changing the e-mail address is not allowed")
    old = str(customer.data["email"])
    if email.lower() == old.lower():
        raise InvalidInput(("body", "email"), "This is your address already")
    now, token = clock.wall(), generate(PREFIX)
    target = {"customer_id": uuid5(NAMESPACE_URL, f"/identity/email-updates/{organization.id}/{email.lower()}")}
    mark = hashed(token, settings.secret)
    if not await mailed_codes.issue(session, LoginCode, target, mark, LIFETIME, organization_id=organization.id):
        return
    is_over = EmailUpdate.window_began_at <= now - WINDOW
    values: dict[str, Any] = {
        "created_at": now, "old_email": old, "email": email, "token_hash": mark,
        "expires_at": now + LIFETIME, "checkout_id": principal.checkout_id,
    }  # fmt: skip
    window = {
        "window_began_at": case((is_over, now), else_=EmailUpdate.window_began_at),
        "window_mails": case((is_over, 1), else_=EmailUpdate.window_mails + 1),
    }
    written = (
        insert(EmailUpdate)
        .values(
            id=ids.uuid7(), organization_id=customer.organization_id, customer_id=customer.id, window_began_at=now,
            window_mails=1, **values,
        )
        .on_conflict_do_update(
            index_elements=[EmailUpdate.customer_id],
            set_=values | window,
            where=(EmailUpdate.created_at <= now - PAUSE) & (is_over | (EmailUpdate.window_mails < WINDOW_MAILS)),
        )
        .returning(EmailUpdate.id)
    )  # fmt: skip
    if (await session.execute(written)).first() is None or await _is_taken(session, customer, email):
        return
    path = f"/{organization.slug}/portal/verify-email?token={token}"
    message = letter(organization, customer, "email_update", path, minutes=LIFETIME.seconds // 60)
    await mail.write_notices(session, [mail.Notice(email, message, "email_update", customer.id, now.isoformat())])


async def check(session: AsyncSession, token: str, settings: Settings) -> None:
    """Raises `Unauthorized` unless the link still works."""
    found = select(EmailUpdate).where(
        EmailUpdate.token_hash == hashed(token, settings.secret), EmailUpdate.expires_at > clock.wall()
    )
    update = (await session.execute(found)).scalar_one_or_none()
    if update is None or await _customer_of(session, update) is None:
        raise Unauthorized(REFUSED)


async def verify(session: AsyncSession, token: str, settings: Settings) -> str:
    """Takes the new address over, once; returns the token of a new session. The old one's sessions and codes end.

    Raises `Unauthorized`, or `InvalidInput` where another customer has the address.
    """
    used = delete(EmailUpdate).where(
        EmailUpdate.token_hash == hashed(token, settings.secret), EmailUpdate.expires_at > clock.wall()
    )
    update = (await session.execute(used.returning(EmailUpdate))).scalar_one_or_none()
    customer = await _customer_of(session, update) if update is not None else None
    if update is None or customer is None:
        raise Unauthorized(REFUSED)
    if not _allows(await session.get_one(Organization, customer.organization_id)):
        raise Unauthorized(REFUSED)
    if await _is_taken(session, customer, update.email):
        raise InvalidInput(("body", "token"), "Another customer has this address")
    for model in (CustomerSession, LoginCode):
        await session.execute(delete(model).where(model.customer_id == customer.id))
    data = Verified(
        organization_id=customer.organization_id,
        customer_id=customer.id,
        old_email=update.old_email,
        email=update.email,
        checkout_id=update.checkout_id,
    )
    event = CustomerEmailVerifiedV1(
        subject=customer.id, organization_id=customer.organization_id, time=clock.now(), data=data
    )
    outbox.record(session, event)
    _, text = await customer_sessions.open_for(
        session, customer, None, settings, email=update.email, checkout_id=update.checkout_id
    )
    await _tell_old(session, customer, update)
    return text


async def _tell_old(session: AsyncSession, customer: Customer, update: EmailUpdate) -> None:
    """Whoever loses an address hears of it there: it may not have been them."""
    organization = await session.get_one(Organization, customer.organization_id)
    contact = (organization.branding or {}).get("support_email") or organization.email or organization.name
    message = letter(organization, customer, "email_changed", email=_masked(update.email), contact=contact)
    notice = mail.Notice(update.old_email, message, "email_changed", customer.id, str(update.id))
    await mail.write_notices(session, [notice])


def _masked(email: str) -> str:
    name, _, host = email.rpartition("@")
    return f"{name[:1]}…@{host}"


def _allows(organization: Organization) -> bool:
    portal: dict[str, Any] = organization.settings.get("customer_portal_settings") or {}
    return bool((portal.get("customer") or {}).get("allow_email_change"))


async def _own(session: AsyncSession, principal: Principal) -> Customer:
    statement = select(Customer).where(
        owned_by(principal, Customer), Customer.id == principal.customer_id, ~Customer.is_deleted
    )
    customer = (await session.execute(statement)).scalar_one_or_none()
    if customer is None:
        raise ResourceNotFound()
    return customer


async def _customer_of(session: AsyncSession, update: EmailUpdate) -> Customer | None:
    """The customer, unless they were deleted or have another address than when they asked."""
    statement = select(Customer).where(
        Customer.id == update.customer_id,
        func.lower(Customer.data["email"].astext) == update.old_email.lower(),
        ~Customer.is_deleted,
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def _is_taken(session: AsyncSession, customer: Customer, email: str) -> bool:
    other = select(Customer.id).where(
        Customer.organization_id == customer.organization_id,
        func.lower(Customer.data["email"].astext) == email.lower(),
        Customer.id != customer.id,
        ~Customer.is_deleted,
    )
    return (await session.execute(other.limit(1))).first() is not None
