"""Messages that were set aside: what they are, and why."""

from typing import Any
from urllib.parse import quote

from polar_cli.console import say, table
from polar_cli.servers import Management


def show(management: Management, limit: int) -> int:
    """Lists the dead letters of every queue, oldest first, and leaves them. Returns the exit status: 1 if any."""
    queues: list[dict[str, Any]] = management.call("GET", "queues?columns=name,messages,vhost")
    full = [queue for queue in queues if queue["name"].endswith(".dead") and queue.get("messages", 0)]
    if not full:
        say("no dead letters")
        return 0
    rows = []
    for queue in full:
        messages: list[dict[str, Any]] = management.call(
            "POST",
            f"queues/{quote(queue['vhost'], safe='')}/{queue['name']}/get",
            {"count": limit, "ackmode": "ack_requeue_true", "encoding": "auto"},
        )
        for message in messages:
            headers = message["properties"].get("headers", {})
            deaths = headers.get("x-death") or [{}]
            reason = headers.get("x-reason") or f"the broker: {deaths[0].get('reason', 'unknown')}"
            when = headers.get("x-set-aside-at", "")
            rows.append(
                (queue["name"].removesuffix(".dead"), message["properties"].get("type", ""), when, reason[:100])
            )
    table(("queue", "event", "set aside at", "reason"), rows)
    say(f"\n{sum(queue['messages'] for queue in full)} in all; docs/guides/dead-letters.md says what to do")
    return 1
