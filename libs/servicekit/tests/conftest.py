"""A service of one resource that exists to try the kit: notes, which say `organization.created` when written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from contracts import identity
from fastapi import Depends, Request, Response
from pydantic import BaseModel, Field
from servicekit import ids, outbox
from servicekit.app import create_app
from servicekit.auth import Principal, allow, owned_by
from servicekit.clock import now
from servicekit.consumers import Consumers
from servicekit.database import NAMING, TYPES, Record, project
from servicekit.errors import BadRequest, ResourceNotFound
from servicekit.http import DialectOf
from servicekit.inputs import ForeignQuery, Input, RawBody
from servicekit.lists import (
    ListResource,
    MetadataQuery,
    PageQuery,
    Sorting,
    fetch_page,
    metadata_matches,
    sorted_by,
)
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf, answers_with_secret
from servicekit.settings import Settings
from servicekit.testing import ServiceUnderTest
from sqlalchemy import BigInteger, MetaData, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = TYPES


class Note(Record, Base):
    __tablename__ = "notes"

    text: Mapped[str]
    size: Mapped[int]
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB)


class Copy(Base):
    __tablename__ = "copies"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None]
    name: Mapped[str]


class LongWork:
    """Requests that write the text "long": they say that they have begun, and do not end before they may."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()


long_work = LongWork()


@pytest.fixture(autouse=True)
def held() -> LongWork:
    """What holds the long requests of this test."""
    long_work.reset()
    return long_work


class NoteWrite(Input):
    text: Annotated[str, Field(min_length=1, max_length=20)]
    size: int = 1
    metadata: dict[str, str] = Field(default_factory=dict)


class NoteRead(BaseModel):
    id: UUID
    text: str


def said(note: Note) -> identity.OrganizationCreatedV1:
    data = identity.Organization(
        id=note.id,
        created_at=note.created_at,
        modified_at=None,
        name=note.text,
        slug="x",
        avatar_url=None,
        email=None,
        website=None,
    )
    return identity.OrganizationCreatedV1(
        subject=note.id, organization_id=note.organization_id, time=note.created_at, data=data
    )


router = ResourceRouter("/notes", "notes")
Caller = Annotated[Principal, allow("notes:read", "notes:write")]


@router.post("/", name="create", status_code=201)
async def create(body: NoteWrite, session: SessionOf, principal: Caller) -> NoteRead:
    note = Note(
        id=ids.uuid7(),
        organization_id=principal.organization(),
        text=body.text,
        size=body.size,
        user_metadata=body.metadata,
        created_at=now(),
    )
    session.add(note)
    outbox.record(session, said(note))
    if body.text == "long":
        long_work.begun += 1
        await long_work.may_end.wait()
    if body.text == "refused":
        raise BadRequest("this text is refused")
    if body.text == "crash":
        raise RuntimeError("a fault of our own")
    return NoteRead(id=note.id, text=note.text)


@router.get("/", name="list")
async def list_notes(
    session: SessionOf,
    principal: Caller,
    page: PageQuery,
    metadata: MetadataQuery,
    sorting: Annotated[Sorting, sorted_by("created_at", "size")],
    text: str | None = None,
    big: bool | None = None,
) -> ListResource[NoteRead]:
    statement = select(Note).where(owned_by(principal, Note), *metadata_matches(Note.user_metadata, metadata))
    if text is not None:
        statement = statement.where(Note.text == text)
    if big is not None:
        statement = statement.where((Note.size > 100) == big)
    order = sorting.clauses({"created_at": Note.created_at, "size": Note.size}, Note.id)
    rows, total = await fetch_page(session, statement, page, order)
    return page.of([NoteRead(id=row.id, text=row.text) for row in rows], total)


@router.get("/{id}", name="get")
async def get(id: UUID, session: SessionOf, principal: Caller, dialect: DialectOf) -> NoteRead:
    note = (await session.execute(select(Note).where(owned_by(principal, Note), Note.id == id))).scalar_one_or_none()
    if note is None:
        raise ResourceNotFound()
    return NoteRead(id=note.id, text=f"{note.text} in {dialect}")


@router.post("/slow", name="slow")
async def slow(sessions: SessionsOf, principal: Caller) -> NoteRead:
    async with sessions() as session:
        note = Note(organization_id=principal.organization(), text="slow", size=1, user_metadata={})
        session.add(note)
    return NoteRead(id=note.id, text=note.text)


async def _late(request: Request) -> None:
    """Stands for whatever a request waits for before its caller is looked at."""
    long_work.begun += 1
    await long_work.may_end.wait()


@router.post("/late", name="late", dependencies=[Depends(_late)])
async def late(principal: Caller) -> dict[str, str]:
    return {"caller": str(principal.id)}


@router.post("/secret", name="secret")
@answers_with_secret
async def secret(principal: Caller) -> dict[str, str]:
    return {"secret": str(ids.uuid7())}


@router.post("/call-back", name="call_back")
async def call_back(body: RawBody, query: ForeignQuery) -> dict[str, Any]:
    return {"body": body.decode(), "query": query}


@router.delete("/{id}", name="delete", status_code=204)
async def delete(id: UUID, session: SessionOf, principal: Caller) -> Response:
    note = (await session.execute(select(Note).where(owned_by(principal, Note), Note.id == id))).scalar_one_or_none()
    if note is None:
        raise ResourceNotFound()
    await session.delete(note)
    return Response(status_code=204)


consumers = Consumers("sample.organizations")


@consumers.on(identity.OrganizationCreatedV1, identity.OrganizationUpdatedV1)
async def copy_organization(event: Any, session: Any) -> None:
    await project(session, Copy, event, organization_id=event.organization_id, name=event.data.name)
    if event.data.name == "poison":
        raise ValueError("this one cannot be handled")


@asynccontextmanager
async def _lifespan(app: Any) -> AsyncIterator[None]:
    yield


@pytest.fixture(scope="session")
def service() -> ServiceUnderTest:
    """Names the sample to the kit's plugin."""
    return ServiceUnderTest(
        name="sample",
        root=Path(__file__).parent / "sample",
        create_app=lambda settings: create_app("sample", settings, [router], _lifespan),
        settings=Settings,
        flows=[consumers],
        scopes=["notes:write"],
    )


@pytest.fixture
def copies() -> type[Copy]:
    return Copy


@pytest.fixture
def notes() -> type[Note]:
    return Note


@pytest.fixture
def flow() -> Consumers:
    return consumers


@pytest.fixture
def organization_event() -> Any:
    """Builds an `organization.created` or `.updated` event."""

    def build(name: str = "Acme", *, subject: UUID | None = None, sequence: int = 1, updated: bool = False) -> Any:
        subject = subject or ids.uuid7()
        contract = identity.OrganizationUpdatedV1 if updated else identity.OrganizationCreatedV1
        data = identity.Organization(
            id=subject,
            created_at=now(),
            modified_at=None,
            name=name,
            slug="x",
            avatar_url=None,
            email=None,
            website=None,
        )
        event = contract(subject=subject, organization_id=subject, time=now(), data=data)
        event.id, event.sequence, event.correlation_id = ids.uuid7(), sequence, subject
        return event

    return build
