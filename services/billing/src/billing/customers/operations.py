"""What can be done with customers."""

from typing import Any
from uuid import UUID

import structlog
import tax
from contracts import billing as contracts
from contracts.checkout import PurchaseCustomer
from contracts.identity import EmailUpdate
from servicekit import clock, ids, outbox
from servicekit.auth import Principal
from servicekit.errors import InvalidInput, ResourceNotFound
from servicekit.locks import one_at_a_time
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import events, queries
from billing.customers.models import Customer, CustomerAlias
from billing.customers.schemas import CustomerCreate, CustomerPortalCustomerUpdate, CustomerUpdate
from billing.mails import operations as mails
from billing.orders.models import Order

log = structlog.get_logger()
_EU = {
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
}  # fmt: skip
_FORMATS = {
    "AU": "au_abn", "CA": "ca_gst_hst", "CH": "ch_vat", "GB": "gb_vat", "IN": "in_gst", "JP": "jp_trn",
    "NO": "no_vat", "NZ": "nz_gst", "US": "us_ein",
}  # fmt: skip


async def create(session: AsyncSession, principal: Principal, wish: CustomerCreate, secret: str) -> contracts.Customer:
    """Creates a customer. Raises `InvalidInput` when the e-mail or the external id is in use."""
    organization_id = principal.organization(wish.organization_id)
    address = wish.billing_address.model_dump() if wish.billing_address else None
    customer = Customer(
        id=await _new_id(session, organization_id, wish.email, secret),
        organization_id=organization_id,
        created_at=clock.now(),
        email=wish.email,
        external_id=wish.external_id,
        email_verified=False,
        type=wish.type,
        name=wish.name,
        billing_address=address,
        tax_id=tax_id(wish.tax_id, address),
        locale=wish.locale,
        user_metadata=wish.metadata,
    )
    session.add(customer)
    await _written(session)
    outbox.record(session, events.customer_created(customer))
    return events.shape(customer)


async def get(
    session: AsyncSession, principal: Principal, *, id: UUID | None = None, external_id: str | None = None
) -> contracts.Customer:
    """Raises `ResourceNotFound`."""
    return events.shape(await _owned(session, principal, id, external_id, lock=False))


async def update(
    session: AsyncSession,
    principal: Principal,
    changes: CustomerUpdate,
    *,
    id: UUID | None = None,
    external_id: str | None = None,
) -> contracts.Customer:
    """Changes a customer. Raises `ResourceNotFound`, or `InvalidInput` naming what cannot be changed so."""
    customer = await _owned(session, principal, id, external_id, lock=True)
    given = changes.model_dump(exclude_unset=True)
    wanted = given.pop("external_id", None)
    if wanted is not None and wanted != customer.external_id:
        if customer.external_id is not None:
            raise InvalidInput(("body", "external_id"), "An external id can be set once")
        customer.external_id = wanted
    if given.get("type") == "individual" and customer.type == "team":
        raise InvalidInput(("body", "type"), "A team cannot become an individual")
    if "billing_address" in given and given["billing_address"] is None:
        raise InvalidInput(("body", "billing_address"), "An address cannot be taken away")
    if "metadata" in given:
        customer.user_metadata = given.pop("metadata") or {}
    typed = given.pop("tax_id", ...)
    for name in ("email", "type"):
        if given.get(name, ...) is None:
            del given[name]
    old_email = customer.email
    for name, value in given.items():
        setattr(customer, name, value)
    if typed is not ...:
        customer.tax_id = tax_id(typed, customer.billing_address)
    customer.modified_at = clock.now()
    await _written(session)
    if customer.email.casefold() != old_email.casefold():
        await mails.write_email_changed(session, customer, old_email, customer.modified_at)
    outbox.record(session, events.customer_updated(customer))
    return events.shape(customer)


async def update_own(
    session: AsyncSession, principal: Principal, changes: CustomerPortalCustomerUpdate
) -> contracts.Customer:
    """What customers change of themselves.

    Raises `ResourceNotFound`, and `InvalidInput` for an address taken away or a tax id that is not one of the country.
    """
    customer = await _owned(session, principal, principal.customer_id, None, lock=True)
    given = changes.model_dump(exclude_unset=True)
    if "billing_address" in given and given["billing_address"] is None:
        raise InvalidInput(("body", "billing_address"), "An address cannot be taken away")
    given.pop("default_payment_method_id", None)
    typed = given.pop("tax_id", ...)
    for name, value in given.items():
        setattr(customer, name, value)
    if typed is not ...:
        customer.tax_id = _checked(typed, customer.billing_address)
    if changes.model_fields_set - {"default_payment_method_id"}:
        customer.modified_at = clock.now()
        outbox.record(session, events.customer_updated(customer))
    return events.shape(customer)


async def verify_email(session: AsyncSession, update: EmailUpdate) -> Customer | None:
    """Gives a customer the address that they have proven, and returns them, locked.

    One who has another address by now, or was deleted, stays: then it returns None.

    Identity has looked whether another customer has it; who came first meanwhile keeps it. Who had not proven the old
    address takes their own purchase along: a customer with another one, which may be somebody else's, stays too.
    """
    await _one_at_a_time(session, update.organization_id, update.email)
    found = select(Customer).where(
        Customer.id == update.customer_id,
        Customer.organization_id == update.organization_id,
        Customer.email == update.old_email,
        Customer.deleted_at.is_(None),
    )
    customer = (await session.execute(found.with_for_update())).scalar_one_or_none()
    other = select(Customer.id).where(
        Customer.organization_id == update.organization_id,
        Customer.email == update.email,
        Customer.id != update.customer_id,
        Customer.deleted_at.is_(None),
    )
    is_taken = (await session.execute(other)).first() is not None
    if customer is None or is_taken or await _has_bought_more(session, update):
        log.warning("customer.email_not_updated", customer_id=str(update.customer_id))
        return None
    customer.email, customer.email_verified, customer.modified_at = update.email, True, clock.now()
    outbox.record(session, events.customer_updated(customer))
    return customer


async def _has_bought_more(session: AsyncSession, update: EmailUpdate) -> bool:
    """Whether there is a purchase besides the one of who asked. The caller has locked the customer."""
    if update.checkout_id is None:
        return False
    others = select(Order.id).where(Order.customer_id == update.customer_id, Order.checkout_id != update.checkout_id)
    return (await session.execute(others.limit(1))).first() is not None


async def delete(
    session: AsyncSession, principal: Principal, *, id: UUID | None = None, external_id: str | None = None
) -> Customer:
    """Deletes a customer: the books keep it, the e-mail is free again. Raises `ResourceNotFound`."""
    customer = await _owned(session, principal, id, external_id, lock=True)
    customer.deleted_at = customer.modified_at = clock.now()
    outbox.record(session, events.customer_deleted(customer))
    return customer


async def of_purchase(session: AsyncSession, organization_id: UUID, buyer: PurchaseCustomer) -> tuple[Customer, bool]:
    """The customer of a purchase, locked, and whether the purchase introduced them.

    What was typed at a checkout stays on its order: nobody proved there that they are the customer, and a stranger's
    name, address or tax number would stand on later invoices. A new customer begins with it. The seller's own id is
    set where the seller said, with a token, whose it is.
    """
    await _one_at_a_time(session, organization_id, buyer.email)
    customer = await queries.of_purchase(session, organization_id, buyer)
    if customer is None:
        return await _introduce(session, organization_id, buyer), True
    if customer.id != buyer.id and await _is_unused(session, buyer.id):
        session.add(CustomerAlias(id=buyer.id, organization_id=organization_id, customer_id=customer.id))
    if buyer.links_external_id and customer.external_id is None:
        customer.external_id = await _free_external_id(session, organization_id, buyer)
        if customer.external_id is not None:
            customer.modified_at = clock.now()
            outbox.record(session, events.customer_updated(customer))
    return customer, False


def tax_id(value: str | None, address: dict[str, Any] | None) -> list[str] | None:
    """A tax number with its format (Stripe's names), which the country of the address, or its prefix, tells."""
    if not value:
        return None
    country = address["country"] if address else value[:2].upper()
    if country in _EU or value[:2].upper() == "EL":
        return [value, "eu_vat"]
    return [value, _FORMATS.get(country, "unknown")]


def _checked(typed: str | None, address: dict[str, Any] | None) -> list[str] | None:
    """A tax number that the buyer typed, as at checkout: one that is not of the country's is refused."""
    if not typed:
        return None
    try:
        found = tax.tax_id_of(typed, address["country"] if address else None)
    except tax.TaxIdInvalid as error:
        raise InvalidInput(("body", "tax_id"), str(error)) from None
    return [found.value, found.format]


def _tax_id_of(buyer: PurchaseCustomer, address: dict[str, Any] | None) -> list[str] | None:
    """With the format that the checkout found, where it checked the id."""
    if buyer.tax_id and buyer.tax_id_format:
        return [buyer.tax_id, buyer.tax_id_format]
    return tax_id(buyer.tax_id, address)


async def _introduce(session: AsyncSession, organization_id: UUID, buyer: PurchaseCustomer) -> Customer:
    is_unused = await _is_unused(session, buyer.id)
    address = buyer.billing_address.model_dump() if buyer.billing_address else None
    customer = Customer(
        id=buyer.id if is_unused else ids.uuid7(),
        organization_id=organization_id,
        created_at=clock.now(),
        email=buyer.email,
        external_id=await _free_external_id(session, organization_id, buyer),
        email_verified=False,
        type="individual",
        name=buyer.name,
        billing_name=buyer.billing_name,
        billing_address=address,
        tax_id=_tax_id_of(buyer, address),
        locale=buyer.locale,
        user_metadata=buyer.metadata,
    )
    session.add(customer)
    await session.flush()
    outbox.record(session, events.customer_created(customer))
    return customer


async def _free_external_id(session: AsyncSession, organization_id: UUID, buyer: PurchaseCustomer) -> str | None:
    """The seller's own id for the buyer, unless another customer has it."""
    if buyer.external_id is None:
        return None
    same = select(Customer.id).where(
        Customer.organization_id == organization_id,
        Customer.external_id == buyer.external_id,
        Customer.deleted_at.is_(None),
    )
    return None if (await session.execute(same)).first() else buyer.external_id


async def _is_unused(session: AsyncSession, id: UUID) -> bool:
    """Whether an id neither is, nor was, a customer's, nor leads to one."""
    used = select(Customer.id).where(Customer.id == id).union(select(CustomerAlias.id).where(CustomerAlias.id == id))
    return (await session.execute(used)).first() is None


async def _owned(
    session: AsyncSession, principal: Principal, id: UUID | None, external_id: str | None, *, lock: bool
) -> Customer:
    customer = await queries.find(session, principal, id=id, external_id=external_id, lock=lock)
    if customer is None:
        raise ResourceNotFound()
    return customer


async def _new_id(session: AsyncSession, organization_id: UUID, email: str, secret: str) -> UUID:
    """The id that checkout derives for this e-mail too, unless a former owner of the e-mail has it."""
    await _one_at_a_time(session, organization_id, email)
    derived = ids.derive(secret, str(organization_id), ids.email_key(email))
    return derived if await _is_unused(session, derived) else ids.uuid7()


async def _one_at_a_time(session: AsyncSession, organization_id: UUID, email: str) -> None:
    """Two introductions of one e-mail wait for each other, until the transaction's end.

    Case folding makes at least those equal that the database compares as equal; others only wait.
    """
    await one_at_a_time(session, f"{organization_id}:{email.casefold()}")


async def _written(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        for name in ("email", "external_id"):
            if f"customers_{name}_key" in str(error.orig):
                raise InvalidInput(("body", name), f"A customer with this {name} exists already") from None
        raise
