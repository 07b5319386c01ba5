"""What can be done with benefits."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from servicekit import clock, ids, outbox
from servicekit.auth import Principal
from servicekit.database import awaited, wake
from servicekit.errors import InvalidInput, ResourceNotFound
from servicekit.quotas import Quotas
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_connections import queries as connections
from benefits.benefits import events, queries
from benefits.benefits.models import Benefit, BenefitChange
from benefits.benefits.schemas import BenefitCreate, BenefitUpdate
from benefits.files import queries as files
from benefits.meters.models import Meter
from benefits.settings import Settings
from benefits.strategies.github_repository.properties import is_within
from benefits.strategies.properties import PLATFORMS, PROPERTIES


async def create(
    session: AsyncSession, principal: Principal, wish: BenefitCreate, settings: Settings, quotas: Quotas
) -> Benefit:
    """Creates a benefit.

    Raises `InvalidInput` for a type that cannot be given here, properties that its type does not take, files or a meter
    that are not the organization's, and a repository or a server that it has not connected, and `QuotaExceeded`.
    """
    organization_id = principal.organization(wish.organization_id)
    _ensure_given_here(wish.type, settings.platforms)
    await quotas.ensure_room(session, Benefit, organization_id, Benefit.deleted_at.is_(None))
    benefit = Benefit(
        id=ids.uuid7(),
        organization_id=organization_id,
        created_at=clock.now(),
        type=wish.type,
        description=wish.description,
        properties=await _properties(session, organization_id, wish.type, wish.properties, settings),
        visibility=wish.visibility,
        user_metadata=wish.metadata,
    )
    session.add(benefit)
    outbox.record(session, events.benefit_created(benefit))
    return benefit


async def get(session: AsyncSession, principal: Principal, id: UUID) -> Benefit:
    """Raises `ResourceNotFound`."""
    return await _owned(session, principal, id)


async def update(
    session: AsyncSession, principal: Principal, id: UUID, changes: BenefitUpdate, settings: Settings
) -> Benefit:
    """Changes a benefit; its grants follow when its properties did.

    Raises `ResourceNotFound`, or `InvalidInput` as `create` does.
    """
    benefit = await _owned(session, principal, id, lock=True)
    kind = "license_keys" if changes.type == "license_key" else changes.type
    if kind is not None and kind != benefit.type:
        raise InvalidInput(("body", "type"), "The type of a benefit cannot be changed")
    if changes.properties is not None:
        given = await _properties(session, benefit.organization_id, benefit.type, changes.properties, settings)
        if _is_followed(benefit, given):
            await _note_change(session, benefit, is_deleted=False)
        benefit.properties = given
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
    """Deletes a benefit: it leaves its products, and its grants are revoked. Raises `ResourceNotFound`."""
    benefit = await _owned(session, principal, id, lock=True)
    benefit.deleted_at = benefit.modified_at = clock.now()
    await _note_change(session, benefit, is_deleted=True)
    outbox.record(session, events.benefit_updated(benefit))


_NOT_FOLLOWED = {"custom": {"note"}, "license_keys": {"prefix", "offline"}, "discord": {"kick_member"}}
"""What grants that are held do not follow: it is read when it is needed, or only written on new keys."""


def _is_followed(benefit: Benefit, given: dict[str, Any]) -> bool:
    names = set(benefit.properties) | set(given)
    changed = {name for name in names if benefit.properties.get(name) != given.get(name)}
    return bool(changed - _NOT_FOLLOWED.get(benefit.type, set()))


async def _note_change(session: AsyncSession, benefit: Benefit, *, is_deleted: bool) -> None:
    """Has the benefit's grants worked through, from the first one on."""
    row = {"done_to": None, "worked_at": clock.now(), "is_deleted": is_deleted}
    statement = insert(BenefitChange).values(benefit_id=benefit.id, organization_id=benefit.organization_id, **row)
    await session.execute(statement.on_conflict_do_update(index_elements=["benefit_id"], set_=row))
    wake(session)


def _ensure_given_here(kind: str, platforms: Collection[str]) -> None:
    loc = ("body", "type")
    if kind == "slack_shared_channel":
        raise InvalidInput(loc, "Slack channels cannot be shared by this suite: it has no Slack app")
    platform = PLATFORMS.get(kind)
    if platform is not None and platform not in platforms:
        raise InvalidInput(loc, f"{platform} is not set up: the suite needs its {platform.upper()}_* settings")


async def _properties(
    session: AsyncSession, organization_id: UUID, kind: str, given: dict[str, Any], settings: Settings
) -> dict[str, Any]:
    try:
        properties = PROPERTIES[kind].model_validate(given).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(("body", "properties", *first["loc"]), first["msg"], first["type"]) from None
    if kind == "downloadables":
        await _ensure_files(session, organization_id, [UUID(id) for id in properties["files"]])
    elif kind == "meter_credit":
        await _ensure_meter(session, organization_id, UUID(properties["meter_id"]))
    elif kind in PLATFORMS:
        await _ensure_connected(session, organization_id, kind, properties, settings)
    return properties


async def _ensure_meter(session: AsyncSession, organization_id: UUID, meter_id: UUID) -> None:
    """Waits for a meter that was created a moment ago."""

    async def known() -> UUID | None:
        statement = select(Meter.id).where(Meter.id == meter_id, Meter.organization_id == organization_id)
        return (await session.execute(statement)).scalar_one_or_none()

    if await awaited(known) is None:
        raise InvalidInput(("body", "properties", "meter_id"), "Meter does not exist")


async def _ensure_connected(
    session: AsyncSession, organization_id: UUID, kind: str, properties: dict[str, Any], settings: Settings
) -> None:
    highest = settings.github_max_permission
    if kind == "github_repository" and not is_within(properties["permission"], highest):
        raise InvalidInput(("body", "properties", "permission"), f"This suite gives at most {highest}")
    if not await connections.is_connected(session, organization_id, kind, properties):
        field = "repository_owner" if kind == "github_repository" else "guild_id"
        raise InvalidInput(
            ("body", "properties", field),
            "is not connected: begin with POST /v1/benefit-connections/authorize",
        )


async def _ensure_files(session: AsyncSession, organization_id: UUID, wanted: list[UUID]) -> None:
    """Waits for files that were uploaded a moment ago."""

    async def all_known() -> dict[UUID, dict[str, Any]] | None:
        found = await files.downloadable(session, organization_id, wanted)
        return found if len(found) == len(wanted) else None

    known = await awaited(all_known) or await files.downloadable(session, organization_id, wanted)
    for index, file_id in enumerate(wanted):
        if file_id not in known:
            raise InvalidInput(("body", "properties", "files", index), "File does not exist")


async def _owned(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> Benefit:
    benefit = await queries.find(session, principal, id, lock=lock)
    if benefit is None:
        raise ResourceNotFound()
    return benefit
