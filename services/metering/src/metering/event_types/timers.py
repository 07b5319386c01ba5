"""Folding tallies."""

from servicekit.database import Sessions
from sqlalchemy import text

_FOLD = text("""
    with chosen as (
        select organization_id, name from event_tallies
        group by organization_id, name having count(*) > 1 order by count(*) desc limit 50
    ), folded as (
        delete from event_tallies where id in (
            select tally.id from event_tallies tally join chosen using (organization_id, name)
            limit 5000 for update of tally skip locked
        )
        returning organization_id, name, occurrences, first_seen, last_seen
    )
    insert into event_tallies (organization_id, name, occurrences, first_seen, last_seen)
    select organization_id, name, sum(occurrences), min(first_seen), max(last_seen)
    from folded group by organization_id, name
    returning id
""")


async def fold_tallies(sessions: Sessions) -> int:
    """Makes one tally of many, for up to fifty names and 5,000 tallies. Returns how many were folded."""
    async with sessions() as session:
        return len((await session.execute(_FOLD)).all())
