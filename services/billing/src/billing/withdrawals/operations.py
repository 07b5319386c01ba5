"""Withdrawing from a contract without a login: declared with order number and address, confirmed with a mailed code.

Neither an answer nor its time says whether an order or an address exists before the code has proved it. The withdrawal,
the end of the subscription and the reserved refunds are one transaction; the money moves after it, as any refund.
"""

import asyncio
import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.billing import OrderUpdatedV1
from processor import StripeProcessor
from servicekit import clock, clocks, ids, mailed_codes, outbox
from servicekit.auth import Principal
from servicekit.database import Sessions
from servicekit.errors import NotPermitted, Unauthorized
from servicekit.mail import Notice, write_notices
from servicekit.tokens import hashed
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.consumer_rights import letters, rules
from billing.customers import queries as customers
from billing.customers.models import Customer
from billing.mailed_codes.models import MailedCode
from billing.mailed_codes.operations import issue
from billing.orders import events as order_events
from billing.orders import queries as orders
from billing.orders.models import Order
from billing.organizations.operations import shape_of
from billing.refunds import operations as refunds
from billing.refunds.models import Refund
from billing.refunds.operations import CreditedAlready, DisputedOrder, OrderNotPaid, RefundedAlready
from billing.refunds.schemas import RefundCreate
from billing.settings import Settings
from billing.subscriptions import operations as subscriptions
from billing.withdrawals import periods
from billing.withdrawals.amounts import given_back
from billing.withdrawals.models import Withdrawal
from billing.withdrawals.schemas import WithdrawalConfirm, WithdrawalRead, WithdrawalRequest

PURPOSE = "withdrawal"
REFUSED = "The code is not valid, or not valid any more"
REFUSED_AFTER_SECONDS = 0.1
"""A refusal takes at least this long: a counted try is written, and takes longer than looking for a stranger."""


class WithdrawalPeriodOver(NotPermitted):
    """The withdrawal was declared after the period."""


class WithdrawalRightLost(NotPermitted):
    """The buyer asked for delivery at once, and accepted that the right of withdrawal is lost by that."""


class WithdrawalNotOffered(NotPermitted):
    """There is no right of withdrawal: the buyer is a business, or of a country without one, or nothing was bought."""


@dataclass(frozen=True)
class _Proof:
    """What the right code proves: whose order it is, and when the withdrawal was declared."""

    order_id: UUID
    customer_id: UUID
    requested_at: datetime


async def request(sessions: Sessions, wish: WithdrawalRequest, settings: Settings) -> None:
    """Mails a code to the address of an order, at most one a minute and ten a day; otherwise it does nothing."""
    async with sessions() as session:
        found = await _find(session, wish)
        if found is None:
            return
        order, customer = found
        code = mailed_codes.generate()
        mark, is_free = _hash(order, customer, code, settings), order.total_amount == 0
        if not await issue(session, customer, PURPOSE, order.id, mark, mailed_codes.LIFETIME, is_free=is_free):
            return
        seller = await shape_of(session, order.organization_id)
        minutes = str(mailed_codes.LIFETIME.seconds // 60)
        about = {"code": code, "number": str(order.invoice_number), "minutes": minutes}
        said = letters.letter(seller, customer.locale, "withdrawal_code", about)
        notice = Notice(customer.email, said, "withdrawal_code", order.id, clock.wall().isoformat())
        await write_notices(session, [notice])


async def confirm(
    sessions: Sessions, processor: StripeProcessor, wish: WithdrawalConfirm, settings: Settings
) -> WithdrawalRead:
    """Withdraws from the contract of an order with the right code. Repeating it finds the same withdrawal.

    Raises `Unauthorized` for whatever is no right code for this order and address, each counted; then
    `WithdrawalNotOffered`, `WithdrawalRightLost`, or `WithdrawalPeriodOver`.
    """
    earliest = asyncio.get_running_loop().time() + REFUSED_AFTER_SECONDS
    proof = await _proven(sessions, wish, settings)
    if proof is None:
        await asyncio.sleep(earliest - asyncio.get_running_loop().time())
        raise Unauthorized(REFUSED)
    async with sessions() as session:
        shown, reserved = await _withdraw(session, proof, wish)
    for refund in reserved:
        await refunds.send(sessions, processor, refund)
    return shown


async def _proven(sessions: Sessions, wish: WithdrawalConfirm, settings: Settings) -> _Proof | None:
    async with sessions() as session:
        found = await _find(session, wish)
        if found is None:
            return None
        order, customer = found
        key = {"purpose": PURPOSE, "about": order.id}
        kept = await mailed_codes.tried(session, MailedCode, key, MailedCode.requested_at)
    mark = _hash(order, customer, wish.code, settings)
    if kept is None or not hmac.compare_digest(bytes(kept.code_hash), mark):
        return None
    return _Proof(order.id, customer.id, kept.requested_at)


async def _find(session: AsyncSession, wish: WithdrawalRequest) -> tuple[Order, Customer] | None:
    """The order of a number and an address, at its organization's clock."""
    statement = (
        select(Order, Customer, clocks.instant_at(Order.organization_id))
        .join(Customer, Customer.id == Order.customer_id)
        .where(
            Order.organization_id == wish.organization_id,
            Order.invoice_number == wish.order_number,
            Customer.email == wish.email,
            Customer.deleted_at.is_(None),
        )
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    clocks.stand(wish.organization_id, row.instant)
    return row.Order, row.Customer


def _hash(order: Order, customer: Customer, code: str, settings: Settings) -> bytes:
    """A code is good for the order and the address that it was mailed for, and for nothing else."""
    return hashed(f"{PURPOSE}:{order.id}:{customer.email.lower()}:{code}", settings.secret)


async def _withdraw(
    session: AsyncSession, proof: _Proof, wish: WithdrawalConfirm
) -> tuple[WithdrawalRead, list[Refund]]:
    """Writes the withdrawal down, ends what it ends and reserves what is given back: once for a contract.

    The customer is locked first, so that of two at once the second finds what the first has written.
    """
    customer = await customers.lock(session, proof.customer_id)
    named = await session.get_one(Order, proof.order_id, populate_existing=True)
    contract = await _contract_of(session, named)
    known = select(Withdrawal).where(Withdrawal.order_id == contract.id)
    withdrawal = (await session.execute(known)).scalar_one_or_none()
    if withdrawal is not None:
        return _read(withdrawal, contract), []
    seller = await shape_of(session, contract.organization_id)
    ends = periods.ends_at(contract.created_at, rules.country_of(contract) or seller.get("country"))
    if not contract.is_paid or not rules.is_offered(contract, seller):
        raise WithdrawalNotOffered("There is no right to withdraw from this order")
    if rules.has_lost_withdrawal(contract):
        raise WithdrawalRightLost("This was delivered at once, as you asked: the right to withdraw from it is lost")
    if proof.requested_at >= ends:
        raise WithdrawalPeriodOver(f"The period for withdrawing ended at {clock.rfc3339(ends)}")
    is_pro_rata = contract.subscription_id is not None and contract.immediate_delivery_consent is not None
    withdrawal = Withdrawal(
        id=ids.uuid7(),
        organization_id=contract.organization_id,
        created_at=clock.now(),
        order_id=contract.id,
        subscription_id=contract.subscription_id,
        customer_id=customer.id,
        email=customer.email,
        name=wish.name or None,
        requested_at=proof.requested_at,
        period_ends_at=ends,
        amount=0,
        tax_amount=0,
        currency=contract.currency,
        is_pro_rata=is_pro_rata,
        is_disputed=False,
    )
    session.add(withdrawal)
    if contract.subscription_id is not None:
        await subscriptions.end_at_once(session, customer, contract.subscription_id)
    reserved = []
    for order_id in await _orders_of(session, contract):
        refund = await _reserve(session, withdrawal, order_id)
        if refund is not None:
            reserved.append(refund)
            withdrawal.amount += refund.amount
            withdrawal.tax_amount += refund.tax_amount
    if contract.subscription_id is None and not reserved:
        await _revoke_benefits(session, contract.id)
    await _acknowledge(session, withdrawal, contract, customer)
    return _read(withdrawal, contract), reserved


async def _contract_of(session: AsyncSession, order: Order) -> Order:
    """The order with which the contract of an order was concluded: for a subscription the last one of a checkout."""
    if order.subscription_id is None:
        return order
    of_contract = Order.subscription_id == order.subscription_id
    concluded = select(Order).where(of_contract, Order.checkout_id.is_not(None)).order_by(Order.created_at.desc())
    first = select(Order).where(of_contract).order_by(Order.created_at, Order.id)
    for statement in (concluded, first):
        found = (await session.execute(statement.limit(1))).scalars().first()
        if found is not None:
            return found
    return order


async def _orders_of(session: AsyncSession, contract: Order) -> list[UUID]:
    """The orders that were paid under the contract, the first one first."""
    if contract.subscription_id is None:
        return [contract.id]
    statement = select(Order.id).where(
        Order.subscription_id == contract.subscription_id, Order.created_at >= contract.created_at
    )
    return list((await session.execute(statement.order_by(Order.created_at, Order.id))).scalars())


async def _reserve(session: AsyncSession, withdrawal: Withdrawal, order_id: UUID) -> Refund | None:
    """Reserves what is given back of one order; None for nothing. A disputed order's money is the bank's."""
    order = await session.get_one(Order, order_id, with_for_update=True)
    amount = given_back(order, withdrawal.requested_at, is_pro_rata=withdrawal.is_pro_rata)
    if not amount:
        return None
    wish = RefundCreate(
        order_id=order_id,
        reason="customer_request",
        amount=amount,
        comment="Withdrawal from the contract",
        revoke_benefits=order.subscription_id is None,
        metadata={"withdrawal_id": str(withdrawal.id)},
    )
    holder = Principal("organization", order.organization_id, (order.organization_id,), frozenset())
    try:
        return await refunds.reserve(session, holder, wish, ids.uuid7())
    except DisputedOrder:
        withdrawal.is_disputed = True
    except (OrderNotPaid, RefundedAlready, CreditedAlready):
        pass
    return None


async def _revoke_benefits(session: AsyncSession, order_id: UUID) -> None:
    """Takes what a one-time order gave where no refund does it."""
    order = await session.get_one(Order, order_id, with_for_update=True)
    if order.benefits_revoked_at is None:
        order.benefits_revoked_at = order.modified_at = clock.now()
        await session.flush()
        shown = (await orders.shapes(session, [order]))[0]
        outbox.record(session, order_events.told(OrderUpdatedV1, order, shown, order.modified_at))


async def _acknowledge(session: AsyncSession, withdrawal: Withdrawal, contract: Order, customer: Customer) -> None:
    """Writes the acknowledgement: the content of the declaration with its day and time (art. 11a(4)), once."""
    seller = await shape_of(session, contract.organization_id)
    texts, said = letters.texts_of(customer.locale)
    number, received = str(contract.invoice_number), letters.instant(texts, withdrawal.requested_at)
    rows = [
        ("contract", contract.description),
        ("order_number", number),
        ("ordered_on", texts.day(contract.created_at)),
        *([("name", withdrawal.name)] if withdrawal.name else []),
        ("email", customer.email),
        ("received", "{day}, {time} (UTC)".format(**received)),
    ]
    amount = texts.money(withdrawal.total, withdrawal.currency)
    also = [said[name].format(amount=amount) for name in _settled(withdrawal)]
    values = {"number": number, "product": contract.description, **received}
    written = letters.letter(seller, customer.locale, "withdrawal", values, rows=rows, also=also)
    await write_notices(session, [Notice(customer.email, written, "withdrawal", withdrawal.id)])


def _settled(withdrawal: Withdrawal) -> list[str]:
    """The names of the texts that say what becomes of the money."""
    names = [("refund_pro_rata" if withdrawal.is_pro_rata else "refund") if withdrawal.total else "refund_none"]
    if withdrawal.is_disputed:
        names = [*(names if withdrawal.total else []), "refund_disputed"]
    return names


def _read(withdrawal: Withdrawal, contract: Order) -> WithdrawalRead:
    return WithdrawalRead(
        id=withdrawal.id,
        order_number=str(contract.invoice_number),
        product_name=contract.description,
        requested_at=withdrawal.requested_at,
        created_at=withdrawal.created_at,
        period_ends_at=withdrawal.period_ends_at,
        subscription_id=withdrawal.subscription_id,
        refund_amount=withdrawal.total,
        currency=withdrawal.currency,
        is_pro_rata=withdrawal.is_pro_rata,
        is_disputed=withdrawal.is_disputed,
    )
