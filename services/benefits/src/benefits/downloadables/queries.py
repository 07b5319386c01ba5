"""Which files customers may download, and how often they did."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant
from benefits.benefits.models import Benefit
from benefits.downloadables.models import Download
from benefits.files import queries as files


def active_files(benefit: Benefit) -> list[UUID]:
    """The files that a benefit gives now, in order: those that are not archived."""
    archived = benefit.properties.get("archived") or {}
    return [UUID(id) for id in benefit.properties.get("files", []) if not archived.get(id)]


async def granted(
    session: AsyncSession, principal: Principal, benefit_id: Sequence[UUID] | None
) -> list[tuple[BenefitGrant, UUID, dict[str, Any]]]:
    """Grant, id and shape of each file that the customer may download; a file that two grants give comes once."""
    statement = (
        select(BenefitGrant, Benefit)
        .join(Benefit, Benefit.id == BenefitGrant.benefit_id)
        .where(
            owned_by(principal, BenefitGrant),
            BenefitGrant.granted_at.is_not(None),
            Benefit.type == "downloadables",
            Benefit.deleted_at.is_(None),
        )
        .order_by(BenefitGrant.created_at.desc(), BenefitGrant.id.desc())
    )
    if benefit_id is not None:
        statement = statement.where(BenefitGrant.benefit_id.in_(benefit_id))
    rows = (await session.execute(statement)).all()
    given = {(benefit.id, id): grant for grant, benefit in reversed(rows) for id in active_files(benefit)}
    known = await files.downloadable(session, principal.organization(), [id for _, id in given])
    ordered = [(grant, id) for grant, benefit in rows for id in active_files(benefit) if given[benefit.id, id] is grant]
    return [(grant, id, known[id]) for grant, id in ordered if id in known]


async def gives(session: AsyncSession, grant_id: UUID, file_id: UUID) -> tuple[BenefitGrant, dict[str, Any]] | None:
    """The grant and the file of a link, while the grant is held and the benefit still gives the file."""
    statement = (
        select(BenefitGrant, Benefit)
        .join(Benefit, Benefit.id == BenefitGrant.benefit_id)
        .where(BenefitGrant.id == grant_id, BenefitGrant.granted_at.is_not(None), Benefit.deleted_at.is_(None))
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None or file_id not in active_files(row.Benefit):
        return None
    known = await files.downloadable(session, row.BenefitGrant.organization_id, [file_id])
    return (row.BenefitGrant, known[file_id]) if file_id in known else None


async def of_benefit(session: AsyncSession, benefit: Benefit) -> list[dict[str, Any]]:
    """A benefit's files in order, archived ones too, with their downloads and downloaders."""
    ids = [UUID(id) for id in benefit.properties.get("files", [])]
    known = await files.downloadable(session, benefit.organization_id, ids)
    statement = (
        select(
            Download.file_id,
            func.sum(Download.downloads).label("downloads"),
            func.count(Download.customer_id.distinct()).label("downloaders"),
        )
        .where(Download.benefit_id == benefit.id)
        .group_by(Download.file_id)
    )
    counted = {row.file_id: row for row in await session.execute(statement)}
    return [
        {
            **known[id],
            "downloads": int(counted[id].downloads) if id in counted else 0,
            "downloaders": counted[id].downloaders if id in counted else 0,
        }
        for id in ids
        if id in known
    ]
