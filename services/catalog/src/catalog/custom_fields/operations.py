"""What can be done with custom fields."""

from uuid import UUID

from servicekit import clock, ids
from servicekit.auth import Principal
from servicekit.errors import InvalidInput, ResourceNotFound
from servicekit.quotas import Quotas
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.custom_fields import queries
from catalog.custom_fields.models import CustomField
from catalog.custom_fields.schemas import CustomFieldCreate, CustomFieldUpdate
from catalog.products import operations as products


async def create(session: AsyncSession, principal: Principal, wish: CustomFieldCreate, quotas: Quotas) -> CustomField:
    """Creates a field. Raises `InvalidInput` for a slug in use, and `QuotaExceeded`."""
    organization_id = principal.organization(wish.organization_id)
    await quotas.ensure_room(session, CustomField, organization_id, CustomField.deleted_at.is_(None))
    field = CustomField(
        id=ids.uuid7(),
        organization_id=organization_id,
        created_at=clock.now(),
        type=wish.type,
        slug=wish.slug,
        name=wish.name,
        properties=wish.properties.model_dump(exclude_none=True),
        user_metadata=wish.metadata,
    )
    session.add(field)
    await _written(session)
    return field


async def get(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> CustomField:
    """Raises `ResourceNotFound`."""
    field = await queries.find(session, principal, id, lock=lock)
    if field is None:
        raise ResourceNotFound()
    return field


async def update(session: AsyncSession, principal: Principal, id: UUID, changes: CustomFieldUpdate) -> CustomField:
    """Changes a field, and tells of the products that ask it.

    Raises `ResourceNotFound`, or `InvalidInput` for another type or a slug in use.
    """
    field = await get(session, principal, id, lock=True)
    if changes.type != field.type:
        raise InvalidInput(("body", "type"), "The type of a field cannot be changed")
    for name in ("slug", "name"):
        if getattr(changes, name) is not None:
            setattr(field, name, getattr(changes, name))
    if changes.properties is not None:
        field.properties = changes.properties.model_dump(exclude_none=True)
    if changes.metadata is not None:
        field.user_metadata = changes.metadata
    field.modified_at = clock.now()
    await _written(session)
    await products.tell_of_custom_field(session, field.id)
    return field


async def delete(session: AsyncSession, principal: Principal, id: UUID) -> None:
    """Deletes a field: products no longer ask it, answers that were given stay. Raises `ResourceNotFound`."""
    field = await get(session, principal, id, lock=True)
    field.deleted_at = clock.now()
    await session.flush()
    await products.tell_of_custom_field(session, field.id)


async def _written(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if "custom_fields_slug_key" in str(error.orig):
            raise InvalidInput(("body", "slug"), "A custom field with this slug exists already") from None
        raise
