"""`/v1/products/`"""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.hot import HotList
from servicekit.http import DialectOf
from servicekit.lists import ListResource, MetadataQuery, PageQuery, Sorting, sorted_by
from servicekit.quotas import QuotaExceeded, QuotasOf
from servicekit.routing import ResourceRouter, SessionOf

from catalog.products import operations, queries
from catalog.products.queries import ProductFilter
from catalog.products.schemas import ProductBenefits, ProductCreate, ProductRead, ProductUpdate, Visibility

router = ResourceRouter("/products", "products")
Reader = Annotated[Principal, allow("products:read", "products:write")]
Writer = Annotated[Principal, allow("products:write")]
Sorted = Annotated[Sorting, sorted_by("created_at", "name", "price_amount_type", "price_amount")]
Ids = Annotated[list[UUID] | None, Query()]
hot_list = HotList(
    "/v1/products/",
    frozenset({"products:read", "products:write"}),
    "-created_at",
    {name: frozenset({"true", "false"}) for name in queries.PLAIN},
    queries.plain_page,
)


@router.get("/", name="list", response_model=ListResource[ProductRead])
async def list_products(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Sorted,
    metadata: MetadataQuery,
    id: Ids = None,
    organization_id: Ids = None,
    benefit_id: Ids = None,
    query: Annotated[str | None, Query(max_length=200)] = None,
    is_archived: bool | None = None,
    is_recurring: bool | None = None,
    visibility: Annotated[list[Visibility] | None, Query()] = None,
) -> Response:
    """Lists products."""
    wanted = ProductFilter(
        id, organization_id, query, is_archived, is_recurring, benefit_id, visibility, metadata=metadata
    )
    documents, total = await queries.list_products(session, principal, wanted, page, sorting)
    return page.of_documents(documents, total)


@router.post("/", name="create", status_code=201, responses=responses(QuotaExceeded))
async def create(
    session: SessionOf, principal: Writer, product: ProductCreate, dialect: DialectOf, quotas: QuotasOf
) -> ProductRead:
    """Creates a product."""
    return ProductRead.of(await operations.create(session, principal, product, dialect, quotas))


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> ProductRead:
    """Gets a product."""
    return ProductRead.of(await operations.get(session, principal, id))


@router.patch("/{id}", name="update", responses=responses(ResourceNotFound, QuotaExceeded))
async def update(
    id: UUID,
    session: SessionOf,
    principal: Writer,
    changes: ProductUpdate,
    dialect: DialectOf,
    quotas: QuotasOf,
) -> ProductRead:
    """Changes a product, or archives it (`is_archived`)."""
    return ProductRead.of(await operations.update(session, principal, id, changes, dialect, quotas))


@router.delete(
    "/{id}", name="delete", status_code=204, responses=responses(ResourceNotFound, operations.ProductNotDeletable)
)
async def delete(id: UUID, session: SessionOf, principal: Writer) -> None:
    """Deletes a product that was never sold."""
    await operations.delete(session, principal, id)


@router.post("/{id}/benefits", name="update_benefits", responses=responses(ResourceNotFound))
async def update_benefits(id: UUID, session: SessionOf, principal: Writer, body: ProductBenefits) -> ProductRead:
    """Replaces the benefits of a product."""
    return ProductRead.of(await operations.update_benefits(session, principal, id, body.benefits))
