"""Sequences of steps in several shops at once: one step of time, and one look of every timer, serve all of them."""

import asyncio
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from traceback import format_tb
from unittest.mock import patch

import httpx
from billing.disputes.timers import follow_disputes
from billing.orders.dunning import retry_due
from billing.payments.timers import collect_due, refund_duplicates
from billing.refunds.timers import finish_refunds
from billing.subscriptions.renewals import renew_due
from billing.subscriptions.timers import end_canceled_subscriptions, pause_subscriptions, resume_subscriptions
from servicekit import clock
from servicekit.testing.harness import empty
from sqlalchemy import text

from tests.model.driver import compare
from tests.model.driver.checks import check
from tests.model.driver.in_process import InProcess
from tests.model.driver.stripe_in_process import InProcessStripe
from tests.model.driver.world import Act, World

START = datetime(2027, 1, 31, 9, tzinfo=UTC)
DAY = 86400
WAITS = (0, 0, 0, 0, 10, DAY, DAY, 3 * DAY, 7 * DAY, 8 * DAY, 15 * DAY, 31 * DAY)
"""Seconds from step to step: a third of the steps are at one instant, as with test clocks."""


class Runner:
    """Runs sequences on one database, whose clock stands until it is set."""

    def __init__(self, app, client, bus):
        self.database, self.client, self.bus, self.app = app.state.database, client, bus, app
        self.now = START

    async def open(self, count):
        """An empty database, and shops whose catalog billing knows."""
        await empty(self.database)
        self.stripe = self.app.state.processor = InProcessStripe()
        self.now = START
        make = partial(InProcess, database=self.database, client=self.client, bus=self.bus, stripe=self.stripe)
        self.worlds = [World(self.now, make) for _ in range(count)]
        for world in self.worlds:
            await world.real.open()
        return self.worlds

    @property
    def running(self):
        """Shops whose two sides do not differ so far."""
        return [world for world in self.worlds if world.failure is None]

    async def run(self, waits, steps):
        """Steps of `(verb, number)` for each shop, or acts. A shop whose two sides differ stops there."""
        for wait, row in zip(waits, zip(*steps, strict=True), strict=True):
            if not self.running:
                return
            await self.pass_time(wait)
            chosen = dict(zip(self.worlds, row, strict=True))
            await asyncio.gather(*(self._step(world, wait, chosen[world]) for world in self.running))
            await self.settle()
            await self.compare()

    async def finish(self):
        """A step of time, and a look at the books. Returns what is wrong with them; shops that differ spoil them."""
        await self.pass_time(7200)
        return await check(self.database, self.stripe, self.worlds) if len(self.running) == len(self.worlds) else []

    async def pass_time(self, seconds):
        """Time goes on, and what it does is compared."""
        before = self.running
        if await self.advance(self.now + timedelta(seconds=seconds)):
            await self.compare()
            for world in before:
                if world.failure is not None:
                    world.acts.append(Act(seconds, "wait"))

    async def _step(self, world, wait, chosen):
        act = chosen if isinstance(chosen, Act) else world.choose(wait, *chosen)
        try:
            lines = await world.perform(act)
        except Exception as error:
            lines = [f"{type(error).__name__}: {error}", *format_tb(error.__traceback__)[-1].splitlines()]
        if lines:
            world.failure = lines

    async def advance(self, at):
        """Time goes on, from one instant at which a model does something to the next. Returns whether there was one."""
        has_worked = False
        while (due := min((one for world in self.running if (one := world.model.due())), default=at)) < at or due == at:
            has_worked = has_worked or any(world.model.due() == due for world in self.running)
            await self._set(due)
            if due == at:
                break
        await self._set(at)
        return has_worked

    async def _set(self, at):
        self.now = max(self.now, at)
        for world in self.running:
            world.model.advance(self.now)
        await self.settle()

    async def settle(self):
        """What the worker's timers do, until nothing is left to do."""
        for _ in range(200):
            done = 0
            for timer in (
                end_canceled_subscriptions, pause_subscriptions, resume_subscriptions, renew_due, retry_due,
                partial(collect_due, processor=self.stripe), partial(refund_duplicates, processor=self.stripe),
                partial(finish_refunds, processor=self.stripe), partial(follow_disputes, processor=self.stripe),
            ):  # fmt: skip
                done += await timer(self.database.transaction)
            if not done and not await self._ask_again():
                return
        raise AssertionError("the timers never come to an end")

    async def _ask_again(self):
        """What Stripe did not answer is due at once, since the time of the others must not go on for it."""
        async with self.database.transaction() as session:
            later = text("update payments set due_at = :now where status = 'open' and due_at > :now")
            return (await session.execute(later, {"now": self.now})).rowcount

    async def compare(self):
        """Compares what all shops have."""
        rows = await compare.read(self.database, [world.real.owner for world in self.running])
        for world in self.running:
            world.failure = world.compare(rows[world.real.owner]) or None


@contextmanager
def standing(runner):
    """The clock of this process is the runner's."""
    with patch.object(clock, "wall", lambda: runner.now):
        yield


def caller(app):
    """A client of the application in this process."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def replay(runner, acts):
    """Runs the steps of one shop alone. Returns what differs, or what is wrong with the books after it."""
    (world,) = await runner.open(1)
    await runner.run([act.wait for act in acts], [acts])
    return world.failure or await runner.finish()


def _kind(lines):
    return lines[0].split(":")[0] if lines else ""


async def shortened(runner, acts, rounds=40):
    """A failure of the same kind with as few steps as a few rounds find; and what differs. Time that passes stays."""
    lines = await replay(runner, acts)
    wanted = _kind(lines)
    size = max(1, len(acts) // 2) if lines else 0  # not the same alone
    while size:
        at = 0
        while at < len(acts) and rounds:
            rounds -= 1
            rest = acts[at + size :]
            passed = sum(act.wait for act in acts[at : at + size])
            if rest:
                rest = [Act(rest[0].wait + passed, rest[0].verb, rest[0].about), *rest[1:]]
            fewer = [*acts[:at], *rest]
            if fewer and _kind(await replay(runner, fewer)) == wanted:
                acts = fewer
            else:
                at += size
        size = size // 2 if rounds else 0
    return acts, await replay(runner, acts)


def script(acts, lines):
    """A failing sequence as a script that `./polar model --script FILE` runs again."""
    said = "\n".join(f"# {line}" for line in lines)
    steps = "\n".join(f"    {act}," for act in acts)
    return f"{said}\nfrom tests.model.driver.world import act\n\nACTS = [\n{steps}\n]\n"
