"""Draft orders: written by the merchant, then finalized with a charge of a saved card, or left as drafts."""

from uuid import UUID

from contracts import billing as contracts
from contracts.billing import OrderCreatedV1
from contracts.catalog import Price, Product
from pricing.currencies import MAXIMUM_AMOUNT, ensure_chargeable, written
from pricing.prices import ends, static_amount
from processor import StripeProcessor
from servicekit import clock
from servicekit.auth import Principal
from servicekit.database import Sessions
from servicekit.errors import Conflict, InvalidInput, ResourceNotFound, ServiceError
from servicekit.outside import asking
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import balances
from billing.customers import queries as customers
from billing.invoices.numbers import next_number
from billing.orders import queries
from billing.orders.create import Line, Terms, apply_balance, open_order, tell
from billing.orders.models import Order
from billing.orders.schemas import OrderCreate, OrderFinalize
from billing.organizations.operations import shape_of
from billing.payment_methods import queries as payment_methods
from billing.payments import collect, requests
from billing.payments.models import Payment
from billing.products.operations import awaited_product


class OrderNotDraft(ServiceError):
    """The order is not a draft any more."""

    status_code = 412


class OrderCustomerDeleted(Conflict):
    """The customer was deleted: their card is not charged any more."""


class OrderPaymentFailed(ServiceError):
    """The charge was declined (`decline_code`), or its bank wants the customer; the order is a draft still."""

    status_code = 402


class OrderPaymentUnknown(ServiceError):
    """The payment processor could not be asked; the payment goes on by itself."""

    status_code = 503


async def create(sessions: Sessions, principal: Principal, wish: OrderCreate) -> contracts.Order:
    """Writes a draft of a one-time product's order. Raises `InvalidInput` naming what does not exist or apply."""

    async def write() -> contracts.Order:
        async with sessions() as session:
            return await _create(session, principal, wish)

    return await asking(write)


async def _create(session: AsyncSession, principal: Principal, wish: OrderCreate) -> contracts.Order:
    organization_id = principal.organization(wish.organization_id)
    customer = await customers.find(session, principal, id=wish.customer_id, lock=True)
    if customer is None or customer.organization_id != organization_id:
        raise InvalidInput(("body", "customer_id"), "Customer does not exist")
    product = await awaited_product(session, organization_id, wish.product_id)
    if product is None or product.is_archived:
        raise InvalidInput(("body", "product_id"), "Product does not exist, or is archived")
    if product.is_recurring:
        raise InvalidInput(("body", "product_id"), "A recurring product is sold by a subscription")
    price = _price(product, wish)
    amount = _amount(price, wish)
    now = clock.now()
    line = Line(
        label=wish.description or product.name,
        amount=amount,
        product_price_id=price.id,
        computation={
            "rule": "given" if wish.amount is not None else "price",
            "inputs": {"amount": amount, "units": wish.units},
            "fraction": "1",
        },
    )
    terms = Terms(
        billing_reason="purchase",
        currency=price.price_currency,
        description=wish.description or product.name,
        product=product.model_dump(mode="json"),
        status="draft",
        units=wish.units,
        metadata=wish.metadata,
        custom_field_data=wish.custom_field_data,
    )
    order = await open_order(session, customer=customer, lines=[line], terms=terms, at=now)
    if order.total_amount > MAXIMUM_AMOUNT:
        most = written(MAXIMUM_AMOUNT, order.currency)
        raise InvalidInput(("body", _field(wish)), f"More than {most} with tax cannot be charged at once")
    await session.flush()
    tell(session, order, customer, None, OrderCreatedV1, at=now)
    return (await queries.shapes(session, [order]))[0]


async def finalize(
    sessions: Sessions, processor: StripeProcessor, principal: Principal, id: UUID, wish: OrderFinalize
) -> contracts.Order:
    """Charges a draft. Raises `ResourceNotFound`, `OrderNotDraft`, `OrderCustomerDeleted`, `OrderPaymentFailed` (it
    stays a draft), or `OrderPaymentUnknown`, after which the payment goes on by itself."""
    async with sessions() as session:
        payment = await _begin(session, principal, id, wish)
    if payment is not None:
        outcome = await collect.collect(sessions, processor, payment)
        if outcome is None or outcome.status == "open":
            raise OrderPaymentUnknown("the payment processor could not be asked", headers={"Retry-After": "5"})
        if outcome.status != "succeeded":
            raise OrderPaymentFailed(outcome.message or "The charge failed", decline_code=outcome.decline_code)
    async with sessions() as session:
        order = await queries.find(session, principal, id)
        assert order is not None
        return (await queries.shapes(session, [order]))[0]


async def _begin(session: AsyncSession, principal: Principal, id: UUID, wish: OrderFinalize) -> Payment | None:
    seen = await queries.find(session, principal, id)
    if seen is None:
        raise ResourceNotFound()
    customer = await customers.lock(session, seen.customer_id)
    order = await queries.find(session, principal, id, lock=True)
    if order is None or order.status != "draft":
        raise OrderNotDraft("This order is not a draft")
    if customer.deleted_at is not None:
        raise OrderCustomerDeleted("The customer of this order was deleted")
    now = clock.now()
    method = await requests.method_for(session, customer, None)
    if wish.payment_method_id is not None:
        method = await payment_methods.find(session, principal, wish.payment_method_id)
        if method is None or method.customer_id != customer.id:
            raise InvalidInput(("body", "payment_method_id"), "Payment method does not exist")
    seller = await shape_of(session, order.organization_id)
    balance = await balances.balance_of(session, customer.id, order.currency)
    order.finalize(now)
    order.invoice_number = order.invoice_number or await next_number(session, customer, seller)
    apply_balance(session, order, customer, balance, now)
    await session.flush()
    if order.payable_amount == 0:
        await collect.settle_free(session, order, customer, None, now)
        return None
    if method is None:
        raise OrderPaymentFailed("The customer has no saved payment method", decline_code="no_payment_method")
    return await requests.request(session, order, method, "purchase", in_hand=True, at=now)


async def leave_as_draft(session: AsyncSession, order: Order) -> None:
    """The charge failed: the order is a draft again, with its number, and the balance gets back what it gave.

    The caller has locked the customer.
    """
    now = clock.now()
    customer = await customers.lock(session, order.customer_id)
    balance = await balances.balance_of(session, customer.id, order.currency)
    balances.move(
        session, customer, balance, -order.applied_balance_amount, order.currency, reason="order", order_id=order.id,
        at=now,
    )  # fmt: skip
    order.reopen(now)


def _price(product: Product, wish: OrderCreate) -> Price:
    offered = [price for price in product.prices if wish.currency is None or price.price_currency == wish.currency]
    if not offered:
        raise InvalidInput(("body", "currency"), f"There is no price in {wish.currency}")
    return offered[0]


def _amount(price: Price, wish: OrderCreate) -> int:
    """What is sold, in minor units. Raises `InvalidInput` for what Stripe could not charge in the currency."""
    counted = _counted(price, wish)
    if wish.amount is not None:
        amount = wish.amount
    elif price.amount_type == "custom":
        raise InvalidInput(("body", "amount"), "Field required for a price that the buyer chooses", "missing")
    else:
        try:
            amount = static_amount(price, **counted)
        except ValueError as error:
            raise InvalidInput(("body", _field(wish)), str(error)) from None
    try:
        return ensure_chargeable(amount, price.price_currency)
    except ValueError as refusal:
        raise InvalidInput(("body", _field(wish)), f"Amount {refusal}", "greater_than_equal") from None


def _counted(price: Price, wish: OrderCreate) -> dict[str, int]:
    """How many seats or units are sold: one seat, or as many units as are named. Raises `InvalidInput` naming `units`
    where the price does not go by them, has other ends, or costs nothing without them."""
    field = ("body", "units")
    if price.amount_type != "unit_based":
        if wish.units is not None:
            raise InvalidInput(field, "The price of this product does not go by units")
        return {"seats": 1} if price.amount_type == "seat_based" else {}
    if wish.units is None:
        if wish.amount is None:
            raise InvalidInput(field, "Field required for a price by units", "missing")
        return {}
    least, most = ends(price)
    if wish.units < least or (most is not None and wish.units > most):
        bounds = f"at least {least}" if most is None else f"{least} to {most}"
        raise InvalidInput(field, f"This price takes {bounds} units")
    return {"units": wish.units}


def _field(wish: OrderCreate) -> str:
    """The field that a draft's amount comes from."""
    given = (name for name in ("amount", "units") if getattr(wish, name) is not None)
    return next(given, "product_id")
