"""Reminders of cards that expire: in the month before a card's last, once for each card and month."""

from datetime import datetime

from servicekit import clock
from servicekit.database import Sessions
from servicekit.mail import Notice, write_notices
from sqlalchemy import ColumnElement, Integer, cast, exists, or_, select

from billing.customers.models import Customer
from billing.mails import languages
from billing.mails.operations import is_wanted, letter
from billing.organizations.operations import shape_of
from billing.payment_methods.models import PaymentMethod
from billing.subscriptions.models import Subscription

BATCH = 50
KIND = "payment_method_expiration_reminder"


def _expires_in(at: datetime) -> ColumnElement[bool]:
    """The condition that a card's last month is the one of `at` or the next."""
    year = cast(PaymentMethod.method_metadata["exp_year"].astext, Integer)
    month = cast(PaymentMethod.method_metadata["exp_month"].astext, Integer)
    months = year * 12 + month - 1
    present = at.year * 12 + at.month - 1
    return months.in_((present, present + 1))


async def remind_of_cards(sessions: Sessions) -> int:
    """Writes reminders of cards that pay for a subscription and expire this month or the next. Returns how many."""
    now = clock.wall()
    async with sessions() as session:
        pays = exists().where(
            Subscription.payment_method_id == PaymentMethod.id,
            Subscription.ended_at.is_(None),
            Subscription.cancel_at_period_end.is_(False),
        )
        reminded_in = f"{now.year}-{now.month:02d}"
        statement = (
            select(PaymentMethod, Customer)
            .join(Customer, Customer.id == PaymentMethod.customer_id)
            .where(
                PaymentMethod.deleted_at.is_(None),
                or_(PaymentMethod.expiry_checked_in.is_(None), PaymentMethod.expiry_checked_in != reminded_in),
                _expires_in(now),
                pays,
            )
            .order_by(PaymentMethod.id)
            .limit(BATCH)
            .with_for_update(of=PaymentMethod, skip_locked=True)
        )
        rows = (await session.execute(statement)).all()
        notices = []
        for method, customer in rows:
            method.expiry_checked_in = reminded_in
            seller, texts = await shape_of(session, method.organization_id), languages.of(customer.locale)
            if not is_wanted(seller, KIND):
                continue
            card = method.method_metadata
            month = texts.month(int(card["exp_year"]), int(card["exp_month"]))
            said = letter(seller, texts, KIND, place="/payment-methods", last4=str(card.get("last4")), month=month)
            notices.append(Notice(customer.email, said, KIND, method.id, month_key(card)))
        await write_notices(session, notices)
    return len(rows)


def month_key(card: dict[str, object]) -> str:
    """A card's last month, as it tells two reminders of a card apart: one that was renewed is reminded of again."""
    return f"{card['exp_year']}-{card['exp_month']}"
