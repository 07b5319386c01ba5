"""What is heard about members of teams."""

from collections.abc import Sequence

from contracts.billing import MemberCreatedV1, MemberDeletedV1, MemberUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project_all
from servicekit.locks import one_at_a_time
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from identity.member_sessions.models import MemberSession
from identity.members.models import Member

consumers = Consumers("identity.members")


@consumers.on(MemberCreatedV1, MemberUpdatedV1, MemberDeletedV1, together=True)
async def keep_members(
    events: Sequence[MemberCreatedV1 | MemberUpdatedV1 | MemberDeletedV1], session: AsyncSession
) -> None:
    """Keeps the members as they are now. Sessions end of who was removed, and of who has another address."""
    await one_at_a_time(session, "identity.members")
    subjects = {event.subject for event in events}
    rows = await session.execute(select(Member.id, Member.email, Member.is_deleted).where(Member.id.in_(subjects)))
    known = {row.id: row for row in rows}
    news = [event for event in events if event.subject not in known or not known[event.subject].is_deleted]
    if not news:
        return
    values = [
        {
            "organization_id": event.organization_id,
            "customer_id": event.data.customer_id,
            "email": event.data.email,
            "external_id": event.data.external_id,
            "role": event.data.role,
            "is_deleted": isinstance(event, MemberDeletedV1),
            "data": event.data.model_dump(mode="json"),
        }
        for event in news
    ]
    written = await project_all(session, Member, list(zip(news, values, strict=True)))
    gone = [event.subject for event in news if isinstance(event, MemberDeletedV1)]
    await session.execute(update(Member).where(Member.id.in_(gone)).values(sequence=0))
    latest = {event.subject: event for event in sorted(news, key=lambda event: event.sequence)}
    moved = [id for id in written if id in known and known[id].email.casefold() != latest[id].data.email.casefold()]
    await session.execute(delete(MemberSession).where(MemberSession.member_id.in_([*gone, *moved])))
