"""Who does what when the processor calls back: modules register by the types of events that they know.

A handler runs in the transaction of the message, which may come twice, late, or in any order: it must lead to the same
end. `object` is the processor's, as it was when it called back.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

Handler = Callable[[AsyncSession, dict[str, Any], str], Awaitable[None]]
_handlers: dict[str, list[Handler]] = {}


def on(*types: str) -> Callable[[Handler], Handler]:
    """Registers `handler(session, object, type)` for some of the processor's types of events."""

    def register(handler: Handler) -> Handler:
        for kind in types:
            _handlers.setdefault(kind, []).append(handler)
        return handler

    return register


async def handle(session: AsyncSession, kind: str, said: dict[str, Any]) -> None:
    """Hands a call-back to those who registered for it; others are ignored."""
    for handler in _handlers.get(kind, ()):
        await handler(session, said, kind)
