"""`/v1/orders/` for the merchant, and `/v1/customer-portal/orders/` for the customer."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request
from servicekit.addresses import AddressOf
from servicekit.attempts import TooManyAttempts
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.exports import CSVResponse, TimeZone
from servicekit.fields import InstantInput
from servicekit.inputs import IgnoredQuery
from servicekit.lists import ListResource, MetadataQuery, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf

from billing.orders import drafts, operations, queries, retries
from billing.orders.explain import OrderExplained, explain
from billing.orders.export import OrderExportColumn, export
from billing.orders.queries import OrderFilter
from billing.orders.schemas import (
    CustomerOrder,
    CustomerOrderConfirmPayment,
    CustomerOrderPaymentConfirmation,
    CustomerOrderPaymentStatus,
    OrderCreate,
    OrderFinalize,
    OrderRead,
    OrderUpdate,
)
from billing.organizations.operations import seller
from billing.payment_methods.manage import ProcessorSilent

router = ResourceRouter("/orders", "orders")
portal_router = ResourceRouter("/customer-portal/orders", "customer_portal:orders")
Reader = Annotated[Principal, allow("orders:read", "orders:write")]
Writer = Annotated[Principal, allow("orders:write")]
Customer = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", kind="customer")]
CustomerWriter = Annotated[Principal, allow("customer_portal:write", kind="customer")]
Ids = Annotated[list[UUID] | None, Query()]
FINALIZE: Any = responses(
    ResourceNotFound,
    drafts.OrderNotDraft,
    drafts.OrderCustomerDeleted,
    drafts.OrderPaymentFailed,
    drafts.OrderPaymentUnknown,
)
RETRY: Any = responses(
    ResourceNotFound,
    retries.PaymentAlreadyInProgress,
    retries.OrderNotEligibleForRetry,
    retries.ManualRetryLimitExceeded,
    TooManyAttempts,
    ProcessorSilent,
)


@router.get("/", name="list")
async def list_orders(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
    metadata: MetadataQuery,
    organization_id: Ids = None,
    product_id: Ids = None,
    customer_id: Ids = None,
    external_customer_id: Annotated[list[str] | None, Query()] = None,
    discount_id: Ids = None,
    checkout_id: Ids = None,
    subscription_id: Ids = None,
    status: Annotated[list[str] | None, Query()] = None,
    product_billing_type: Annotated[list[Literal["one_time", "recurring"]] | None, Query()] = None,
    created_after: InstantInput | None = None,
    created_before: InstantInput | None = None,
) -> ListResource[OrderRead]:
    """Lists orders."""
    wanted = OrderFilter(
        organization_id, product_id, customer_id, external_customer_id, discount_id, checkout_id, subscription_id,
        status, product_billing_type, metadata, created_after=created_after, created_before=created_before,
    )  # fmt: skip
    orders, total = await queries.list_orders(session, principal, wanted, page, sorting)
    return page.of([OrderRead.of(order) for order in orders], total)


@router.get("/export", name="export", response_class=CSVResponse)
async def export_orders(
    sessions: SessionsOf,
    principal: Reader,
    organization_id: Ids = None,
    product_id: Ids = None,
    status: Annotated[list[str] | None, Query()] = None,
    created_after: InstantInput | None = None,
    created_before: InstantInput | None = None,
    timezone: TimeZone = "UTC",
    columns: Annotated[list[OrderExportColumn] | None, Query()] = None,
) -> CSVResponse:
    """Exports orders as CSV, the latest first; amounts are in major units (29.00)."""
    return await export(
        sessions,
        principal,
        organization_id=organization_id,
        product_id=product_id,
        status=status,
        created_after=created_after,
        created_before=created_before,
        zone=timezone,
        columns=columns,
    )


@router.post("/", name="create", status_code=201)
async def create(sessions: SessionsOf, principal: Writer, wish: OrderCreate) -> OrderRead:
    """Writes a draft of an order for a one-time product."""
    return OrderRead.of(await drafts.create(sessions, principal, wish))


@router.post("/{id}/finalize", name="finalize", responses=FINALIZE)
async def finalize(
    id: UUID, request: Request, sessions: SessionsOf, principal: Writer, wish: OrderFinalize | None = None
) -> OrderRead:
    """Charges a draft's customer, who is not there; a declined one stays a draft."""
    processor = request.app.state.processor
    return OrderRead.of(await drafts.finalize(sessions, processor, principal, id, wish or OrderFinalize()))


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> OrderRead:
    """Gets an order."""
    return OrderRead.of(await operations.get(session, principal, id))


@router.patch("/{id}", name="update", responses=responses(ResourceNotFound))
async def update(id: UUID, session: SessionOf, principal: Writer, changes: OrderUpdate) -> OrderRead:
    """Makes an order's invoice out to another name or address."""
    return OrderRead.of(await operations.update(session, principal, id, changes))


@router.get("/{id}/explain", name="explain", responses=responses(ResourceNotFound))
async def explain_order(id: UUID, session: SessionOf, principal: Reader) -> OrderExplained:
    """Explains every amount of an order: the inputs, the exact fraction and the rule, and the amount derived again."""
    return await explain(session, principal, id)


@portal_router.get("/", name="list")
async def list_own_orders(
    session: SessionOf,
    principal: Customer,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by("created_at", "amount", "net_amount", "product", "subscription")],
    product_id: Ids = None,
    subscription_id: Ids = None,
    product_billing_type: Annotated[list[Literal["one_time", "recurring"]] | None, Query()] = None,
    query: Annotated[str | None, Query(max_length=200, description="In the product's name.")] = None,
    organization_id: IgnoredQuery = None,
) -> ListResource[CustomerOrder]:
    """Lists the customer's own orders."""
    wanted = OrderFilter(
        product_id=product_id, subscription_id=subscription_id, product_billing_type=product_billing_type, query=query
    )
    orders, total = await queries.list_orders(session, principal, wanted, page, sorting)
    organization = await seller(session, principal.organization()) if orders else {}
    return page.of([CustomerOrder.of(order, organization) for order in orders], total)


@portal_router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get_own_order(id: UUID, session: SessionOf, principal: Customer) -> CustomerOrder:
    """Gets an order of the customer's own."""
    order = await operations.get(session, principal, id)
    return CustomerOrder.of(order, await seller(session, principal.organization()))


@portal_router.patch("/{id}", name="update", responses=responses(ResourceNotFound))
async def update_own_order(
    id: UUID, session: SessionOf, principal: CustomerWriter, changes: OrderUpdate
) -> CustomerOrder:
    """Makes the invoice of an order of the customer's own out to another name or address."""
    order = await operations.update(session, principal, id, changes)
    return CustomerOrder.of(order, await seller(session, principal.organization()))


@portal_router.get("/{id}/payment-status", name="get_payment_status", responses=responses(ResourceNotFound))
async def get_payment_status(id: UUID, session: SessionOf, principal: Customer) -> CustomerOrderPaymentStatus:
    """Tells whether an order of the customer's own was paid."""
    return await operations.payment_status(session, principal, id)


@portal_router.post("/{id}/confirm-payment", name="confirm_retry_payment", responses=RETRY)
async def confirm_retry_payment(
    id: UUID,
    request: Request,
    sessions: SessionsOf,
    principal: CustomerWriter,
    wish: CustomerOrderConfirmPayment,
    address: AddressOf,
) -> CustomerOrderPaymentConfirmation:
    """Pays an order of the customer's own whose payment failed, with a saved card or a new one."""
    state = request.app.state
    return await retries.confirm(sessions, state.processor, state.settings, principal, id, wish, address)
