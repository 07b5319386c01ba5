"""What can be done with meters."""

from uuid import UUID

from servicekit import clock, ids, outbox
from servicekit.auth import Principal
from servicekit.errors import InvalidInput, ResourceNotFound
from servicekit.quotas import Quotas
from sqlalchemy.ext.asyncio import AsyncSession

from metering.meters import events, queries
from metering.meters.models import Meter
from metering.meters.schemas import MeterCreate, MeterUpdate


async def create(session: AsyncSession, principal: Principal, wish: MeterCreate, quotas: Quotas) -> Meter:
    """Creates a meter. Raises `InvalidInput` for another organization, and `QuotaExceeded`; archived ones count."""
    organization_id = principal.organization(wish.organization_id)
    await quotas.ensure_room(session, Meter, organization_id)
    meter = Meter(
        id=ids.uuid7(),
        organization_id=organization_id,
        created_at=clock.now(),
        name=wish.name,
        unit=wish.unit,
        custom_label=wish.custom_label,
        custom_multiplier=wish.custom_multiplier,
        filter=wish.filter.model_dump(),
        aggregation=wish.aggregation.model_dump(),
        user_metadata=wish.metadata,
    )
    session.add(meter)
    outbox.record(session, events.meter_created(meter))
    return meter


async def get(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> Meter:
    """Raises `ResourceNotFound`."""
    meter = await queries.find(session, principal, id, lock=lock)
    if meter is None:
        raise ResourceNotFound()
    return meter


async def update(session: AsyncSession, principal: Principal, id: UUID, changes: MeterUpdate) -> Meter:
    """Changes a meter, or archives it. Raises `ResourceNotFound`, or `InvalidInput` for a label without its unit."""
    meter = await get(session, principal, id, lock=True)
    given = changes.model_dump(exclude_unset=True)
    archived = given.pop("is_archived", None)
    metadata = given.pop("metadata", None)
    for name, value in given.items():
        if value is not None or name in ("custom_label", "custom_multiplier"):
            setattr(meter, name, value)
    if (meter.unit == "custom") != (meter.custom_label is not None):
        raise InvalidInput(("body", "custom_label"), "belongs to the unit custom")
    if metadata is not None:
        meter.user_metadata = metadata
    now = clock.now()
    if archived is not None:
        meter.archived_at = (meter.archived_at or now) if archived else None
    meter.modified_at = now
    outbox.record(session, events.meter_updated(meter))
    return meter
