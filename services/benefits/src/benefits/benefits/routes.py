"""`/v1/benefits/`"""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.lists import ListResource, MetadataQuery, PageQuery, Sorting, sorted_by
from servicekit.quotas import QuotaExceeded, QuotasOf
from servicekit.routing import ResourceRouter, SessionOf

from benefits.benefit_grants import queries as grant_queries
from benefits.benefit_grants.queries import BenefitGrantFilter
from benefits.benefit_grants.schemas import BenefitGrantRead
from benefits.benefits import events, operations, queries
from benefits.benefits.queries import BenefitFilter
from benefits.benefits.schemas import BenefitCreate, BenefitRead, BenefitUpdate
from benefits.downloadables import queries as downloadables
from benefits.downloadables.schemas import BenefitDownloadableFile

router = ResourceRouter("/benefits", "benefits")
Reader = Annotated[Principal, allow("benefits:read", "benefits:write")]
Writer = Annotated[Principal, allow("benefits:write")]
Ids = Annotated[list[UUID] | None, Query()]


@router.get("/", name="list")
async def list_benefits(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
    metadata: MetadataQuery,
    id: Ids = None,
    exclude_id: Ids = None,
    organization_id: Ids = None,
    type: Annotated[list[str] | None, Query()] = None,
    query: Annotated[str | None, Query(max_length=200)] = None,
) -> ListResource[BenefitRead]:
    """Lists benefits."""
    wanted = BenefitFilter(id, exclude_id, organization_id, type, query, metadata)
    benefits, total = await queries.list_benefits(session, principal, wanted, page, sorting)
    return page.of([BenefitRead.of(events.shape(benefit)) for benefit in benefits], total)


@router.post("/", name="create", status_code=201, responses=responses(QuotaExceeded))
async def create(
    session: SessionOf, principal: Writer, benefit: BenefitCreate, request: Request, quotas: QuotasOf
) -> BenefitRead:
    """Creates a benefit."""
    settings = request.app.state.settings
    return BenefitRead.of(events.shape(await operations.create(session, principal, benefit, settings, quotas)))


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> BenefitRead:
    """Gets a benefit."""
    return BenefitRead.of(events.shape(await operations.get(session, principal, id)))


@router.patch("/{id}", name="update", responses=responses(ResourceNotFound))
async def update(
    id: UUID, session: SessionOf, principal: Writer, changes: BenefitUpdate, request: Request
) -> BenefitRead:
    """Changes a benefit."""
    settings = request.app.state.settings
    return BenefitRead.of(events.shape(await operations.update(session, principal, id, changes, settings)))


@router.delete("/{id}", name="delete", status_code=204, responses=responses(ResourceNotFound))
async def delete(id: UUID, session: SessionOf, principal: Writer) -> None:
    """Deletes a benefit, and revokes its grants."""
    await operations.delete(session, principal, id)


@router.get("/{id}/files", name="files", responses=responses(ResourceNotFound))
async def files(
    id: UUID, session: SessionOf, principal: Reader, page: PageQuery
) -> ListResource[BenefitDownloadableFile]:
    """Lists the files of a benefit, with their downloads."""
    benefit = await operations.get(session, principal, id)
    found = await downloadables.of_benefit(session, benefit)
    shown = [BenefitDownloadableFile.model_validate(file) for file in found[page.offset : page.offset + page.limit]]
    return page.of(shown, len(found))


@router.get("/{id}/grants", name="grants", responses=responses(ResourceNotFound))
async def grants(
    id: UUID,
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    is_granted: bool | None = None,
    customer_id: Ids = None,
    member_id: Ids = None,
) -> ListResource[BenefitGrantRead]:
    """Lists the grants of a benefit."""
    await operations.get(session, principal, id)
    wanted = BenefitGrantFilter(benefit_id=[id], customer_id=customer_id, is_granted=is_granted, member_id=member_id)
    newest_first = Sorting((("created_at", True),))
    found, total = await grant_queries.list_grants(session, principal, wanted, page, newest_first)
    return page.of([BenefitGrantRead.of(grant) for grant in found], total)
