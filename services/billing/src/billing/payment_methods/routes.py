"""`/v1/customers/{id}/payment-methods` for the merchant, and the customer's own in the portal."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from servicekit.addresses import AddressOf
from servicekit.attempts import TooManyAttempts
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.lists import ListResource, Page, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import queries as customers
from billing.customers.models import Customer
from billing.payment_methods import manage, queries
from billing.payment_methods.manage import (
    CustomerNotReady,
    PaymentMethodInUseByActiveSubscription,
    PaymentMethodOfCheckout,
    PaymentMethodSetupFailed,
    ProcessorSilent,
)
from billing.payment_methods.schemas import (
    CustomerPaymentMethodConfirm,
    CustomerPaymentMethodCreate,
    CustomerPaymentMethodCreateResponse,
    CustomerPaymentMethodUpdate,
    PaymentMethodRead,
)

router = ResourceRouter("/customers/{id}/payment-methods", "customers:payment_methods")
external_router = ResourceRouter("/customers/external/{external_id}/payment-methods", "customers:payment_methods")
portal_router = ResourceRouter("/customer-portal/customers/me/payment-methods", "customer_portal:payment_methods")
Reader = Annotated[Principal, allow("customers:read", "customers:write")]
Themselves = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", kind="customer")]
ThemselvesWriting = Annotated[Principal, allow("customer_portal:write", kind="customer")]
Sorted = Annotated[Sorting, sorted_by(*queries.COLUMNS)]
NOT_FOUND: Any = responses(ResourceNotFound)


@router.get("", name="list", responses=NOT_FOUND)
async def list_payment_methods(
    id: UUID, session: SessionOf, principal: Reader, page: PageQuery, sorting: Sorted
) -> ListResource[PaymentMethodRead]:
    """Lists the saved payment methods of a customer."""
    return await _page(session, principal, await customers.find(session, principal, id=id), page, sorting)


@external_router.get("", name="list_external", responses=NOT_FOUND)
async def list_payment_methods_external(
    external_id: str, session: SessionOf, principal: Reader, page: PageQuery, sorting: Sorted
) -> ListResource[PaymentMethodRead]:
    """Lists the saved payment methods of a customer, by your own id."""
    customer = await customers.find(session, principal, external_id=external_id)
    return await _page(session, principal, customer, page, sorting)


@portal_router.get("", name="list", responses=NOT_FOUND)
async def list_own_payment_methods(
    session: SessionOf, principal: Themselves, page: PageQuery, sorting: Sorted
) -> ListResource[PaymentMethodRead]:
    """Lists the customer's own saved payment methods."""
    return await _page(session, principal, await manage.own_customer(session, principal), page, sorting)


@portal_router.post(
    "",
    name="add",
    status_code=201,
    responses=responses(ResourceNotFound, PaymentMethodSetupFailed, ProcessorSilent, TooManyAttempts),
)
async def add(
    request: Request,
    sessions: SessionsOf,
    principal: ThemselvesWriting,
    wish: CustomerPaymentMethodCreate,
    address: AddressOf,
) -> CustomerPaymentMethodCreateResponse:
    """Keeps a card of the customer's own; a new default is asked at once for what is past due."""
    state = request.app.state
    return await manage.add(sessions, state.processor, state.settings, principal, wish, address)


@portal_router.post(
    "/confirm",
    name="confirm",
    status_code=201,
    responses=responses(ResourceNotFound, PaymentMethodSetupFailed, CustomerNotReady, ProcessorSilent),
)
async def confirm(
    request: Request, sessions: SessionsOf, principal: ThemselvesWriting, wish: CustomerPaymentMethodConfirm
) -> CustomerPaymentMethodCreateResponse:
    """Goes on with a card whose bank has asked the customer."""
    return await manage.confirm(sessions, request.app.state.processor, principal, wish)


@portal_router.patch("/{id}", name="update", responses=responses(ResourceNotFound, PaymentMethodOfCheckout))
async def update(
    id: UUID, session: SessionOf, principal: ThemselvesWriting, changes: CustomerPaymentMethodUpdate
) -> PaymentMethodRead:
    """Makes a saved card of the customer's own the default; it is asked at once for what is past due."""
    return await manage.make_default(session, principal, id, for_subscriptions=changes.for_subscriptions)


@portal_router.delete(
    "/{id}",
    name="delete",
    status_code=204,
    responses=responses(ResourceNotFound, PaymentMethodInUseByActiveSubscription),
)
async def delete(id: UUID, request: Request, sessions: SessionsOf, principal: ThemselvesWriting) -> None:
    """Forgets a card of the customer's own, unless a subscription needs it."""
    await manage.delete(sessions, request.app.state.processor, principal, id)


async def _page(
    session: AsyncSession, principal: Principal, customer: Customer | None, page: Page, sorting: Sorting
) -> ListResource[PaymentMethodRead]:
    if customer is None:
        raise ResourceNotFound()
    methods, total = await queries.list_methods(session, principal, customer, page, sorting)
    return page.of([manage.read(method, customer) for method in methods], total)
