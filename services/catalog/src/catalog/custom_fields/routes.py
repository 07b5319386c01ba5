"""`/v1/custom-fields/`"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.quotas import QuotaExceeded, QuotasOf
from servicekit.routing import ResourceRouter, SessionOf

from catalog.custom_fields import operations, queries
from catalog.custom_fields.schemas import CustomFieldCreate, CustomFieldRead, CustomFieldUpdate

router = ResourceRouter("/custom-fields", "custom_fields")
Reader = Annotated[Principal, allow("custom_fields:read", "custom_fields:write")]
Writer = Annotated[Principal, allow("custom_fields:write")]
Type = Literal["text", "number", "date", "checkbox", "select"]


@router.get("/", name="list")
async def list_fields(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS, default="slug")],
    organization_id: Annotated[list[UUID] | None, Query()] = None,
    type: Annotated[list[Type] | None, Query()] = None,
    query: Annotated[str | None, Query(max_length=200, description="In slug and name.")] = None,
) -> ListResource[CustomFieldRead]:
    """Lists custom fields."""
    fields, total = await queries.list_fields(session, principal, organization_id, type, query, page, sorting)
    return page.of([CustomFieldRead.model_validate(field.data) for field in fields], total)


@router.post("/", name="create", status_code=201, responses=responses(QuotaExceeded))
async def create(session: SessionOf, principal: Writer, field: CustomFieldCreate, quotas: QuotasOf) -> CustomFieldRead:
    """Creates a custom field."""
    return CustomFieldRead.model_validate((await operations.create(session, principal, field, quotas)).data)


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> CustomFieldRead:
    """Gets a custom field."""
    return CustomFieldRead.model_validate((await operations.get(session, principal, id)).data)


@router.patch("/{id}", name="update", responses=responses(ResourceNotFound))
async def update(id: UUID, session: SessionOf, principal: Writer, changes: CustomFieldUpdate) -> CustomFieldRead:
    """Changes a custom field; its type stays."""
    return CustomFieldRead.model_validate((await operations.update(session, principal, id, changes)).data)


@router.delete("/{id}", name="delete", status_code=204, responses=responses(ResourceNotFound))
async def delete(id: UUID, session: SessionOf, principal: Writer) -> None:
    """Deletes a custom field."""
    await operations.delete(session, principal, id)
