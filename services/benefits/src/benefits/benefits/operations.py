"""What can be done with benefits."""

from typing import Any
from uuid import UUID

from pydantic import ValidationError
from servicekit import clock, ids, outbox
from servicekit.auth import Principal
from servicekit.errors import InvalidInput, ResourceNotFound
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefits import events, queries
from benefits.benefits.models import Benefit
from benefits.benefits.schemas import PROPERTIES, BenefitCreate, BenefitUpdate


async def create(session: AsyncSession, principal: Principal, wish: BenefitCreate) -> Benefit:
    """Creates a benefit. Raises `InvalidInput` for properties that its type does not take."""
    benefit = Benefit(
        id=ids.uuid7(),
        organization_id=principal.organization(wish.organization_id),
        created_at=clock.now(),
        type=wish.type,
        description=wish.description,
        properties=_properties(wish.type, wish.properties),
        visibility=wish.visibility,
        user_metadata=wish.metadata,
    )
    session.add(benefit)
    outbox.record(session, events.benefit_created(benefit))
    return benefit


async def get(session: AsyncSession, principal: Principal, id: UUID) -> Benefit:
    """Raises `ResourceNotFound`."""
    return await _owned(session, principal, id)


async def update(session: AsyncSession, principal: Principal, id: UUID, changes: BenefitUpdate) -> Benefit:
    """Changes a benefit; grants made from now on follow. Raises `ResourceNotFound` or `InvalidInput`."""
    benefit = await _owned(session, principal, id, lock=True)
    kind = "license_keys" if changes.type == "license_key" else changes.type
    if kind is not None and kind != benefit.type:
        raise InvalidInput(("body", "type"), "The type of a benefit cannot be changed")
    if changes.properties is not None:
        benefit.properties = _properties(benefit.type, changes.properties)
    if changes.description is not None:
        benefit.description = changes.description
    if changes.visibility is not None:
        benefit.visibility = changes.visibility
    if changes.metadata is not None:
        benefit.user_metadata = changes.metadata
    benefit.modified_at = clock.now()
    outbox.record(session, events.benefit_updated(benefit))
    return benefit


async def delete(session: AsyncSession, principal: Principal, id: UUID) -> None:
    """Deletes a benefit: it leaves its products, and with them its grants are revoked. Raises `ResourceNotFound`."""
    benefit = await _owned(session, principal, id, lock=True)
    benefit.deleted_at = benefit.modified_at = clock.now()
    outbox.record(session, events.benefit_updated(benefit))


def _properties(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    try:
        return PROPERTIES[kind].model_validate(given).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(("body", "properties", *first["loc"]), first["msg"], first["type"]) from None


async def _owned(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> Benefit:
    benefit = await queries.find(session, principal, id, lock=lock)
    if benefit is None:
        raise ResourceNotFound()
    return benefit
