"""A planted fault: billing's consumer acknowledges its messages before it has handled them."""

import asyncio
from typing import Any

from servicekit.consumers import ConsumerLoop, Message

_process = ConsumerLoop._process


async def _acknowledge_first(self: ConsumerLoop, batch: list[Any], channel: Any, stop: asyncio.Event) -> None:
    if not self.queue.startswith("billing."):
        await _process(self, batch, channel, stop)
        return
    await batch[-1].ack(multiple=True)
    # The moment between the acknowledgement and the commit, made long enough to be hit by a kill.
    await asyncio.sleep(3)
    await self._attempt([Message.read(delivery.body, delivery.routing_key or "") for delivery in batch])


ConsumerLoop._process = _acknowledge_first  # type: ignore[method-assign]
