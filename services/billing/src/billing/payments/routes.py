"""`/v1/payments/`"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf

from billing.payments import operations, queries
from billing.payments.queries import PaymentFilter
from billing.payments.schemas import PaymentRead

router = ResourceRouter("/payments", "payments")
Reader = Annotated[Principal, allow("payments:read")]
Ids = Annotated[list[UUID] | None, Query()]
Words = Annotated[list[str] | None, Query()]


@router.get("/", name="list")
async def list_payments(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
    organization_id: Ids = None,
    checkout_id: Ids = None,
    order_id: Ids = None,
    customer_id: Ids = None,
    status: Annotated[list[Literal["pending", "succeeded", "failed"]] | None, Query()] = None,
    method: Words = None,
    customer_email: Words = None,
) -> ListResource[PaymentRead]:
    """Lists payments, and attempts that were declined."""
    wanted = PaymentFilter(organization_id, checkout_id, order_id, customer_id, status, method, customer_email)
    payments, total = await queries.list_payments(session, principal, wanted, page, sorting)
    return page.of([PaymentRead.model_validate(payment) for payment in payments], total)


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> PaymentRead:
    """Gets a payment."""
    return PaymentRead.model_validate(await operations.get(session, principal, id))
