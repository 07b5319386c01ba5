"""`/v1/customers/` for the merchant, and `/v1/customer-portal/customers/me` for the customer."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from servicekit.auth import MEMBER, Principal, allow
from servicekit.errors import InvalidInput, ResourceNotFound, responses
from servicekit.exports import CSVResponse
from servicekit.inputs import NotBuilt
from servicekit.lists import ListResource, MetadataQuery, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import events, operations, queries
from billing.customers.export import export
from billing.customers.models import Customer
from billing.customers.queries import CustomerFilter
from billing.customers.schemas import (
    CustomerCreate,
    CustomerPortalCustomer,
    CustomerPortalCustomerUpdate,
    CustomerRead,
    CustomerState,
    CustomerUpdate,
)
from billing.customers.state import state
from billing.members import operations as members
from billing.payment_methods import manage as payment_methods
from billing.payment_methods.manage import PaymentMethodOfCheckout
from billing.subscriptions import operations as subscriptions

router = ResourceRouter("/customers", "customers")
portal_router = ResourceRouter("/customer-portal/customers", "customer_portal:customers")
Reader = Annotated[Principal, allow("customers:read", "customers:write")]
Writer = Annotated[Principal, allow("customers:write")]
Visitor = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", MEMBER, kind="customer")]
ThemselvesWriting = Annotated[Principal, allow("customer_portal:write", kind="customer")]
NOT_FOUND: Any = responses(ResourceNotFound)


@router.get("/", name="list")
async def list_customers(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
    metadata: MetadataQuery,
    organization_id: Annotated[list[UUID] | None, Query()] = None,
    email: Annotated[str | None, Query(max_length=254)] = None,
    external_id: Annotated[list[str] | None, Query()] = None,
    query: Annotated[str | None, Query(max_length=200, description="In e-mail, name and external id.")] = None,
    active: Annotated[bool | None, Query(description="Whether a subscription is in trial, active or past due.")] = None,
) -> ListResource[CustomerRead]:
    """Lists customers."""
    wanted = CustomerFilter(organization_id, email, external_id, query, metadata, active)
    customers, total = await queries.list_customers(session, principal, wanted, page, sorting)
    return page.of([CustomerRead.of(events.shape(customer)) for customer in customers], total)


@router.post("/", name="create", status_code=201)
async def create(session: SessionOf, principal: Writer, customer: CustomerCreate, request: Request) -> CustomerRead:
    """Creates a customer."""
    secret: str = request.app.state.settings.secret
    created = await operations.create(session, principal, customer, secret)
    team = await members.team(session, principal, id=created.id, lock=True)
    await members.found(session, team, customer.owner)
    return CustomerRead.of(created)


@router.get("/export", name="export", response_class=CSVResponse)
async def export_customers(
    sessions: SessionsOf, principal: Reader, organization_id: Annotated[list[UUID] | None, Query()] = None
) -> CSVResponse:
    """Exports customers as CSV, the latest first."""
    return await export(sessions, principal, organization_id)


@router.get("/external/{external_id}", name="get_external", responses=NOT_FOUND)
async def get_external(external_id: str, session: SessionOf, principal: Reader) -> CustomerRead:
    """Gets a customer by your own id."""
    return CustomerRead.of(await operations.get(session, principal, external_id=external_id))


@router.patch("/external/{external_id}", name="update_external", responses=NOT_FOUND)
async def update_external(
    external_id: str, session: SessionOf, principal: Writer, changes: CustomerUpdate
) -> CustomerRead:
    """Changes a customer, by your own id."""
    customer = await members.team(session, principal, external_id=external_id, lock=True)
    return await _updated(session, principal, changes, customer)


@router.delete("/external/{external_id}", name="delete_external", status_code=204, responses=NOT_FOUND)
async def delete_external(external_id: str, session: SessionOf, principal: Writer, anonymize: NotBuilt = False) -> None:
    """Deletes a customer by your own id, and ends its subscriptions."""
    customer = await operations.delete(session, principal, external_id=external_id)
    await subscriptions.revoke_of_customer(session, customer)


@router.get("/external/{external_id}/state", name="get_state_external", responses=NOT_FOUND)
async def get_state_external(external_id: str, session: SessionOf, principal: Reader) -> CustomerState:
    """Gets a customer with its active subscriptions and granted benefits, by your own id."""
    return CustomerState.of(await state(session, principal, external_id=external_id))


@router.get("/{id}/state", name="get_state", responses=NOT_FOUND)
async def get_state(id: UUID, session: SessionOf, principal: Reader) -> CustomerState:
    """Gets a customer with its active subscriptions and granted benefits."""
    return CustomerState.of(await state(session, principal, id=id))


@router.get("/{id}", name="get", responses=NOT_FOUND)
async def get(id: UUID, session: SessionOf, principal: Reader) -> CustomerRead:
    """Gets a customer."""
    return CustomerRead.of(await operations.get(session, principal, id=id))


@router.patch("/{id}", name="update", responses=NOT_FOUND)
async def update(id: UUID, session: SessionOf, principal: Writer, changes: CustomerUpdate) -> CustomerRead:
    """Changes a customer."""
    return await _updated(session, principal, changes, await members.team(session, principal, id=id, lock=True))


@router.delete("/{id}", name="delete", status_code=204, responses=NOT_FOUND)
async def delete(id: UUID, session: SessionOf, principal: Writer, anonymize: NotBuilt = False) -> None:
    """Deletes a customer, and ends its subscriptions."""
    customer = await operations.delete(session, principal, id=id)
    await subscriptions.revoke_of_customer(session, customer)


@portal_router.get("/me", name="get", responses=NOT_FOUND)
async def get_own(session: SessionOf, principal: Visitor) -> CustomerPortalCustomer:
    """Gets the customer of the session. A member who manages no bills sees nothing of the billing details."""
    found = await operations.get(session, principal, id=principal.customer_id)
    return CustomerPortalCustomer.of(found, is_billing_shown=not principal.is_plain_member)


@portal_router.patch("/me", name="update", responses=responses(ResourceNotFound, PaymentMethodOfCheckout))
async def update_own(
    session: SessionOf, principal: ThemselvesWriting, changes: CustomerPortalCustomerUpdate
) -> CustomerPortalCustomer:
    """Changes the customer of the session."""
    if changes.default_payment_method_id is not None:
        try:
            await payment_methods.make_default(session, principal, changes.default_payment_method_id)
        except ResourceNotFound:
            field = ("body", "default_payment_method_id")
            raise InvalidInput(field, "This payment method does not exist") from None
    return CustomerPortalCustomer.of(await operations.update_own(session, principal, changes))


async def _updated(
    session: AsyncSession, principal: Principal, changes: CustomerUpdate, customer: Customer
) -> CustomerRead:
    """Changes a customer, locked by the caller, and whose team it is with it."""
    old_email = customer.email
    changed = await operations.update(session, principal, changes, id=customer.id)
    await members.follow_email(session, customer, old_email)
    await members.found(session, customer)
    return CustomerRead.of(changed)
