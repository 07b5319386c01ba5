"""`/v1/test-clocks/`: the time of an organization in test mode."""

from typing import Annotated
from uuid import UUID

from fastapi import Response
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.lists import ListResource, PageQuery
from servicekit.routing import ResourceRouter, SessionOf

from identity.test_clocks import operations
from identity.test_clocks.models import TestClockAdvancing
from identity.test_clocks.operations import NotInTestMode, TestClockExists
from identity.test_clocks.schemas import TestClockAdvance, TestClockCreate, TestClockRead

router = ResourceRouter("/test-clocks", "test_clocks")
Reader = Annotated[Principal, allow("organizations:read", "organizations:write")]
Writer = Annotated[Principal, allow("organizations:write")]


@router.get("/", name="list")
async def list_clocks(session: SessionOf, principal: Reader, page: PageQuery) -> ListResource[TestClockRead]:
    """Lists test clocks; an organization has at most one."""
    clocks, total = await operations.list_clocks(session, principal, page)
    return page.of(clocks, total)


@router.post("/", name="create", status_code=201, responses=responses(NotInTestMode, TestClockExists))
async def create(session: SessionOf, principal: Writer, body: TestClockCreate) -> TestClockRead:
    """Stops the organization's time at an instant. From `ready` on, all its work stands at it."""
    return await operations.create(session, principal, body)


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> TestClockRead:
    """Gets a test clock: where it stands, and what it waits for."""
    return await operations.get(session, principal, id)


@router.post("/{id}/advance", name="advance", responses=responses(ResourceNotFound, TestClockAdvancing))
async def advance(id: UUID, session: SessionOf, principal: Writer, body: TestClockAdvance) -> TestClockRead:
    """Moves the organization's time forward; `ready` once everything due has settled in every service."""
    return await operations.advance(session, principal, id, body.frozen_time)


@router.delete("/{id}", name="delete", status_code=204, responses=responses(ResourceNotFound))
async def delete(id: UUID, session: SessionOf, principal: Writer) -> Response:
    """Deletes a test clock: the organization's time is the machine's again."""
    await operations.delete(session, principal, id)
    return Response(status_code=204)
