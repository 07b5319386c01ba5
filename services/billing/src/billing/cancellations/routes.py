"""`/v1/customer-portal/cancellations/`: cancelling a subscription without a login."""

from fastapi import Request
from servicekit.errors import ResourceNotFound, responses
from servicekit.routing import ResourceRouter, SessionOf

from billing.cancellations import operations
from billing.cancellations.schemas import (
    CancellationAccepted,
    CancellationConfirm,
    CancellationCreate,
    CancellationRead,
)
from billing.subscriptions.errors import SubscriptionLocked

portal_router = ResourceRouter("/customer-portal/cancellations", "customer_portal:cancellations")


@portal_router.post("/", name="create", status_code=202)
async def create(session: SessionOf, body: CancellationCreate) -> CancellationAccepted:
    """Cancels a subscription by its number and address. The answer says nothing of what there is; a mail follows."""
    return await operations.create(session, body)


@portal_router.post("/confirm", name="confirm", responses=responses(ResourceNotFound, SubscriptionLocked))
async def confirm(request: Request, session: SessionOf, body: CancellationConfirm) -> CancellationRead:
    """Ends a subscription at once with the token of the mailed link."""
    return await operations.confirm(session, body.token, request.app.state.settings.secret)
