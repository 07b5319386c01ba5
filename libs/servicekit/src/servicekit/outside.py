"""What only the outside knows, asked between transactions: the work is rolled back, then done again with the answer.

For an answer that is needed in the middle of a transaction, and that is kept where the second round finds it.
"""  # fmt: skip

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

Done = TypeVar("Done")
ROUNDS = 3
"""How often something may change between the question and the work, before it is given up."""


class AskOutside(Exception):
    """Raised inside a transaction for an answer that is not known yet; `ask` gets it, outside of any transaction."""

    def __init__(self, ask: Callable[[], Awaitable[object]]) -> None:
        super().__init__("an answer of the outside is needed")
        self.ask = ask


async def asking(work: Callable[[], Awaitable[Done]], rounds: int = ROUNDS) -> Done:
    """Does `work`, which opens its own transaction, asking the outside in between for what it needs.

    Raises `AskOutside` when the last round needs another answer still, and whatever `ask` raises.
    """
    for _ in range(rounds):
        try:
            return await work()
        except AskOutside as wanted:
            await wanted.ask()
    return await work()


async def asking_by_one(work: Callable[[int], Awaitable[int]], batch: int) -> int:
    """Does up to `batch` of what is due in one transaction; one by one where the outside has to be asked first.

    `work` opens its own transaction for as many as it is given, and returns how many it looked at; so does this.
    Raises what `asking` raises.
    """
    try:
        return await work(batch)
    except AskOutside as wanted:
        await wanted.ask()
    for done in range(batch):
        looked_at: int = await asking(partial(work, 1))
        if not looked_at:
            return done
    return batch
