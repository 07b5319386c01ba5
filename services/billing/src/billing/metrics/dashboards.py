"""Dashboards: an operation of metrics that has a table of its own."""

from collections.abc import Sequence
from uuid import UUID

from servicekit import clock
from servicekit.auth import Principal, owned_by
from servicekit.errors import Conflict, ResourceNotFound
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.metrics.models import MetricDashboard
from billing.metrics.schemas import MetricDashboardCreate, MetricDashboardUpdate

MOST = 100
"""Of an organization, since their list has no pages."""


class TooManyDashboards(Conflict):
    """The organization has as many dashboards as it may have."""


async def list_dashboards(
    session: AsyncSession, principal: Principal, organization_id: Sequence[UUID] | None
) -> Sequence[MetricDashboard]:
    """The caller's dashboards, the latest first."""
    statement = select(MetricDashboard).where(owned_by(principal, MetricDashboard))
    if organization_id is not None:
        statement = statement.where(MetricDashboard.organization_id.in_(organization_id))
    ordered = statement.order_by(MetricDashboard.created_at.desc(), MetricDashboard.id.desc())
    return (await session.execute(ordered)).scalars().all()


async def create(session: AsyncSession, principal: Principal, wish: MetricDashboardCreate) -> MetricDashboard:
    """Raises `TooManyDashboards`, or `InvalidInput` for another organization."""
    owner = principal.organization(wish.organization_id)
    # Two at once come one after the other: the second counts the first.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"metric dashboards {owner}"))))
    counted = select(func.count()).where(owned_by(principal, MetricDashboard), MetricDashboard.organization_id == owner)
    if (await session.execute(counted)).scalar_one() >= MOST:
        raise TooManyDashboards(f"An organization has {MOST} dashboards at most")
    dashboard = MetricDashboard(
        organization_id=owner, created_at=clock.now(), name=wish.name, metrics=[slug.value for slug in wish.metrics]
    )
    session.add(dashboard)
    await session.flush()
    return dashboard


async def get(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> MetricDashboard:
    """Raises `ResourceNotFound`."""
    statement = select(MetricDashboard).where(owned_by(principal, MetricDashboard), MetricDashboard.id == id)
    found = (await session.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()
    if found is None:
        raise ResourceNotFound()
    return found


async def update(
    session: AsyncSession, principal: Principal, id: UUID, changes: MetricDashboardUpdate
) -> MetricDashboard:
    """Changes its name, its metrics or both. Raises `ResourceNotFound`."""
    dashboard = await get(session, principal, id, lock=True)
    if changes.name is not None:
        dashboard.name = changes.name
    if changes.metrics is not None:
        dashboard.metrics = [slug.value for slug in changes.metrics]
    dashboard.modified_at = clock.now()
    return dashboard


async def delete(session: AsyncSession, principal: Principal, id: UUID) -> None:
    """Raises `ResourceNotFound`."""
    await session.delete(await get(session, principal, id, lock=True))
