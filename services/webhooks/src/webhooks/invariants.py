"""What must always be true of the data of webhooks."""

from servicekit.invariants import Invariant

INVARIANTS = (
    Invariant(
        "what is due is tried within ten minutes",
        "select w.id, w.endpoint_id from webhook_events w join webhook_endpoints e on e.id = w.endpoint_id "
        "where e.enabled and w.due_at < cast(:now as timestamptz) - interval '10 minutes' "
        "and (w.claimed_until is null or w.claimed_until < :now)",
    ),
    Invariant(
        "what is held is neither due nor skipped",
        "select id, endpoint_id from webhook_events where held_at is not null "
        "and (due_at is not null or skipped_reason is not null)",
    ),
    Invariant(
        "what was taken waits for nothing, unless it is sent again",
        "select id from webhook_events where succeeded_at is not null and due_at is not null "
        "and modified_at < cast(:now as timestamptz) - interval '1 day'",
    ),
)
