"""What a claim costs the database."""

from datetime import timedelta

from servicekit.database import driver_of, plan_anew
from servicekit.testing.plans import check_kept_plan
from webhooks.deliveries import claims

ROOM = claims.Room(total=200, unproven=200, usual=200)


async def test_a_plan_made_while_nothing_waited_does_for_a_full_queue(endpoint, tell, settings, database):
    async def claim(session):
        await plan_anew(session)
        fetch = (await driver_of(session)).fetch
        return (await claims.claim(fetch, ROOM, timedelta(minutes=1), claims.FIRST, settings.secret)).attempts

    await tell()
    await check_kept_plan(
        database, "webhook_events", claim, resource_id="gen_random_uuid()", event_id="gen_random_uuid()"
    )
