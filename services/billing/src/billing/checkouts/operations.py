"""Keeping the checkouts that are told of."""

from collections.abc import Sequence

from contracts import checkout as contracts
from contracts.event import Event
from servicekit.database import project, project_all
from sqlalchemy.ext.asyncio import AsyncSession

from billing.checkouts.models import Checkout


async def keep(session: AsyncSession, told: Sequence[Event[contracts.Checkout]]) -> None:
    """Keeps checkouts as they are now; what is older than what is known is left."""
    rows = [
        {
            "organization_id": event.organization_id,
            "created_at": event.data.created_at,
            "product_id": event.data.product_id,
            "customer_id": event.data.customer_id,
            "is_recurring": event.data.product is not None and event.data.product.is_recurring,
            "is_succeeded": event.data.status == "succeeded",
        }
        for event in told
    ]
    await project_all(session, Checkout, list(zip(told, rows, strict=True)))


async def keep_purchase(session: AsyncSession, event: Event[contracts.Purchase]) -> None:
    """The last that is told of a checkout that became a purchase."""
    purchase = event.data
    await project(
        session,
        Checkout,
        event,
        organization_id=event.organization_id,
        created_at=purchase.created_at or purchase.confirmed_at,
        product_id=purchase.product.id,
        customer_id=purchase.customer.id,
        is_recurring=purchase.product.is_recurring,
        is_succeeded=True,
    )
