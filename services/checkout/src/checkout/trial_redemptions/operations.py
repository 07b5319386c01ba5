"""One trial for each buyer, where the seller wishes so: known by customer, mailbox or card (Polar's rule)."""

from uuid import UUID

from servicekit import clock
from servicekit.errors import NotPermitted
from servicekit.locks import one_at_a_time
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts.models import Checkout
from checkout.organizations.queries import subscription_settings
from checkout.trial_redemptions.models import TrialRedemption

_DOTLESS = {"gmail.com", "googlemail.com"}
"""Whose mailboxes are the same with and without dots."""
REDEEMED = "trial_already_redeemed"


class TrialAlreadyRedeemed(NotPermitted):
    """The buyer has had a trial of this seller; without one (`allow_trial` false) the checkout can be confirmed."""


def plain_email(email: str) -> str:
    """An address without what makes one mailbox look like several: case, `+tags`, and dots where they do not count."""
    name, _, host = email.casefold().rpartition("@")
    name = name.partition("+")[0] or name
    if host in _DOTLESS:
        name, host = name.replace(".", ""), "gmail.com"
    return f"{name}@{host}"


async def ensure_first(session: AsyncSession, checkout: Checkout, customer_id: UUID) -> None:
    """Refuses a second trial of a customer or mailbox. Raises `TrialAlreadyRedeemed`.

    Two purchases that both pass are told apart when their cards are kept (`is_second`).
    """
    if checkout.active_trial is None or not await _is_prevented(session, checkout):
        return
    email = plain_email(checkout.customer_email or "")
    if await _is_known(session, checkout, customer_id, email, None):
        raise TrialAlreadyRedeemed("You have had a trial already")


async def is_second(session: AsyncSession, checkout: Checkout, fingerprint: str | None) -> bool:
    """Whether the card that was kept for a trial, or its buyer, has had one, and the seller minds."""
    assert checkout.customer_id is not None
    if checkout.active_trial is None or not await _is_prevented(session, checkout):
        return False
    email = plain_email(checkout.customer_email or "")
    return await _is_known(session, checkout, checkout.customer_id, email, fingerprint)


def redeem(session: AsyncSession, checkout: Checkout, fingerprint: str | None) -> None:
    """Notes the trial that a purchase begins."""
    assert checkout.customer_id is not None
    session.add(
        TrialRedemption(
            checkout_id=checkout.id,
            organization_id=checkout.organization_id,
            customer_id=checkout.customer_id,
            email=plain_email(checkout.customer_email or ""),
            fingerprint=fingerprint,
            created_at=clock.now(),
        )
    )


async def _is_prevented(session: AsyncSession, checkout: Checkout) -> bool:
    settings = await subscription_settings(session, checkout.organization_id)
    return bool(settings and settings.get("prevent_trial_abuse"))


async def _is_known(
    session: AsyncSession, checkout: Checkout, customer_id: UUID, email: str, fingerprint: str | None
) -> bool:
    """Whether there is another trial of one of these. Until the caller's transaction ends, nobody else begins one."""
    marks = [f"customer {customer_id}", f"email {email}", *([f"card {fingerprint}"] if fingerprint is not None else [])]
    await one_at_a_time(session, *(f"trials of {checkout.organization_id}: {mark}" for mark in marks))
    same = [TrialRedemption.customer_id == customer_id, TrialRedemption.email == email]
    if fingerprint is not None:
        same.append(TrialRedemption.fingerprint == fingerprint)
    known = select(TrialRedemption.checkout_id).where(
        TrialRedemption.organization_id == checkout.organization_id,
        TrialRedemption.checkout_id != checkout.id,
        or_(*same),
    )
    return (await session.execute(known.limit(1))).first() is not None
