"""`/v1/subscriptions/` for the merchant, and `/v1/customer-portal/subscriptions/` for the customer."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from servicekit.auth import MEMBER, Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.exports import CSVResponse, TimeZone
from servicekit.fields import InstantInput
from servicekit.inputs import IgnoredQuery
from servicekit.lists import ListResource, MetadataQuery, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf

from billing.organizations.operations import seller
from billing.subscriptions import operations, previews, queries, updates
from billing.subscriptions.create import create
from billing.subscriptions.errors import (
    InactiveSubscription,
    PaymentFailed,
    PaymentMethodRequired,
    PaymentNotReady,
    SubscriptionLocked,
    SubscriptionNotScheduledToCancel,
)
from billing.subscriptions.export import SubscriptionExportColumn, export
from billing.subscriptions.models import AlreadyCanceledSubscription
from billing.subscriptions.queries import SubscriptionFilter
from billing.subscriptions.schemas import (
    CustomerSubscription,
    CustomerSubscriptionUpdate,
    Reason,
    SubscriptionCancel,
    SubscriptionCreate,
    SubscriptionPreview,
    SubscriptionRead,
    SubscriptionUpdate,
)

router = ResourceRouter("/subscriptions", "subscriptions")
portal_router = ResourceRouter("/customer-portal/subscriptions", "customer_portal:subscriptions")
Reader = Annotated[Principal, allow("subscriptions:read", "subscriptions:write")]
Writer = Annotated[Principal, allow("subscriptions:write")]
Customer = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", kind="customer")]
Visitor = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", MEMBER, kind="customer")]
CustomerWriter = Annotated[Principal, allow("customer_portal:write", kind="customer")]
Ids = Annotated[list[UUID] | None, Query()]
REFUSALS: Any = responses(ResourceNotFound, AlreadyCanceledSubscription, SubscriptionLocked)
CHANGE_REFUSALS: Any = responses(
    PaymentFailed, AlreadyCanceledSubscription, InactiveSubscription, PaymentNotReady, ResourceNotFound,
    SubscriptionLocked, SubscriptionNotScheduledToCancel, PaymentMethodRequired,
)  # fmt: skip
PORTAL_REFUSALS = CHANGE_REFUSALS


@router.get("/", name="list")
async def list_subscriptions(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS, default="-started_at")],
    metadata: MetadataQuery,
    organization_id: Ids = None,
    product_id: Ids = None,
    customer_id: Ids = None,
    external_customer_id: Annotated[list[str] | None, Query()] = None,
    discount_id: Ids = None,
    status: Annotated[list[str] | None, Query()] = None,
    active: bool | None = None,
    cancel_at_period_end: bool | None = None,
    customer_cancellation_reason: Annotated[list[Reason] | None, Query()] = None,
    started_after: InstantInput | None = None,
    started_before: InstantInput | None = None,
    canceled_at_after: InstantInput | None = None,
    canceled_at_before: InstantInput | None = None,
) -> ListResource[SubscriptionRead]:
    """Lists subscriptions."""
    wanted = SubscriptionFilter(
        organization_id, product_id, customer_id, external_customer_id, discount_id, status, active,
        cancel_at_period_end, metadata, customer_cancellation_reason=customer_cancellation_reason,
        started_after=started_after, started_before=started_before,
        canceled_at_after=canceled_at_after, canceled_at_before=canceled_at_before,
    )  # fmt: skip
    subscriptions, total = await queries.list_subscriptions(session, principal, wanted, page, sorting)
    return page.of([SubscriptionRead.of(subscription) for subscription in subscriptions], total)


@router.post("/", name="create", status_code=201)
async def create_subscription(session: SessionOf, principal: Writer, wish: SubscriptionCreate) -> SubscriptionRead:
    """Subscribes a customer to a free product. One that costs something is bought at a checkout."""
    return SubscriptionRead.of(await create(session, principal, wish))


@router.get("/export", name="export", response_class=CSVResponse)
async def export_subscriptions(
    sessions: SessionsOf,
    principal: Reader,
    organization_id: Ids = None,
    product_id: Ids = None,
    status: Annotated[list[str] | None, Query()] = None,
    cancel_at_period_end: bool | None = None,
    started_after: InstantInput | None = None,
    started_before: InstantInput | None = None,
    timezone: TimeZone = "UTC",
    columns: Annotated[list[SubscriptionExportColumn] | None, Query()] = None,
) -> CSVResponse:
    """Exports subscriptions as CSV, the latest first; amounts are in major units (29.00)."""
    return await export(
        sessions,
        principal,
        organization_id=organization_id,
        product_id=product_id,
        status=status,
        cancel_at_period_end=cancel_at_period_end,
        started_after=started_after,
        started_before=started_before,
        zone=timezone,
        columns=columns,
    )


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> SubscriptionRead:
    """Gets a subscription."""
    return SubscriptionRead.of(await operations.get(session, principal, id))


@router.patch("/{id}", name="update", responses=CHANGE_REFUSALS)
async def update(
    id: UUID, request: Request, sessions: SessionsOf, principal: Writer, changes: SubscriptionUpdate
) -> SubscriptionRead:
    """Changes a subscription: its product, seats, units, discount, trial, period, pause, end, or metadata."""
    changed = await updates.update(sessions, request.app.state.processor, principal, id, changes)
    return SubscriptionRead.of(changed)


@router.delete("/{id}", name="revoke", responses=REFUSALS)
async def revoke(id: UUID, session: SessionOf, principal: Writer) -> SubscriptionRead:
    """Ends a subscription now."""
    return SubscriptionRead.of(await operations.revoke(session, principal, id))


@router.post("/{id}/cancel", name="cancel", responses=REFUSALS)
async def cancel(
    id: UUID, session: SessionOf, principal: Writer, wish: SubscriptionCancel | None = None
) -> SubscriptionRead:
    """Cancels a subscription at the period's end, or now (`cancel_at_period_end` false)."""
    return SubscriptionRead.of(await operations.cancel(session, principal, id, wish or SubscriptionCancel()))


@router.post("/{id}/change-preview", name="change_preview", responses=CHANGE_REFUSALS)
async def change_preview(
    id: UUID, sessions: SessionsOf, principal: Reader, changes: SubscriptionUpdate
) -> SubscriptionPreview:
    """Computes what a change would charge at once and at the end of the period. Nothing is changed or charged."""
    return await previews.of_change(sessions, principal, id, changes)


@router.get("/{id}/cancel-preview", name="cancel_preview", responses=REFUSALS)
async def cancel_preview(id: UUID, sessions: SessionsOf, principal: Reader) -> SubscriptionPreview:
    """Computes when a subscription would end, and what would be billed then. Nothing is changed."""
    return await previews.of_cancel(sessions, principal, id)


@portal_router.post("/{id}/change-preview", name="change_preview", responses=PORTAL_REFUSALS)
async def own_change_preview(
    id: UUID, sessions: SessionsOf, principal: Customer, changes: CustomerSubscriptionUpdate
) -> SubscriptionPreview:
    """Computes what a change that the seller allows would charge. Nothing is changed or charged."""
    return await previews.of_change(sessions, principal, id, changes.as_update(), by_customer=True)


@portal_router.get("/{id}/cancel-preview", name="cancel_preview", responses=REFUSALS)
async def own_cancel_preview(id: UUID, sessions: SessionsOf, principal: Customer) -> SubscriptionPreview:
    """Computes when a subscription of the customer's own would end, and what would be billed then."""
    return await previews.of_cancel(sessions, principal, id)


@portal_router.get("/", name="list")
async def list_own_subscriptions(
    session: SessionOf,
    principal: Visitor,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by("started_at", "amount", "status", "product", default="-started_at")],
    product_id: Ids = None,
    active: bool | None = None,
    query: Annotated[str | None, Query(max_length=200, description="In the product's name.")] = None,
    organization_id: IgnoredQuery = None,
) -> ListResource[CustomerSubscription]:
    """Lists the customer's own subscriptions."""
    wanted = SubscriptionFilter(product_id=product_id, active=active, query=query)
    subscriptions, total = await queries.list_subscriptions(session, principal, wanted, page, sorting)
    organization = await seller(session, principal.organization()) if subscriptions else {}
    return page.of([CustomerSubscription.of(one, organization) for one in subscriptions], total)


@portal_router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get_own_subscription(id: UUID, session: SessionOf, principal: Visitor) -> CustomerSubscription:
    """Gets a subscription of the customer's own."""
    subscription = await operations.get(session, principal, id)
    return CustomerSubscription.of(subscription, await seller(session, principal.organization()))


@portal_router.patch("/{id}", name="update", responses=PORTAL_REFUSALS)
async def update_own_subscription(
    id: UUID, request: Request, sessions: SessionsOf, principal: CustomerWriter, changes: CustomerSubscriptionUpdate
) -> CustomerSubscription:
    """Changes a subscription of the customer's own, as far as the seller lets its customers."""
    processor = request.app.state.processor
    subscription = await updates.update(sessions, processor, principal, id, changes.as_update(), by_customer=True)
    async with sessions() as session:
        return CustomerSubscription.of(subscription, await seller(session, principal.organization()))


@portal_router.delete("/{id}", name="cancel", responses=REFUSALS)
async def cancel_own_subscription(id: UUID, session: SessionOf, principal: CustomerWriter) -> CustomerSubscription:
    """Cancels a subscription of the customer's own at the period's end."""
    subscription = await operations.update(session, principal, id, SubscriptionUpdate(cancel_at_period_end=True))
    return CustomerSubscription.of(subscription, await seller(session, principal.organization()))
