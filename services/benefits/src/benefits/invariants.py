"""What must always be true of the data of benefits."""

from servicekit.invariants import Invariant

INVARIANTS = (
    Invariant(
        "a held grant has an entitlement that lives",
        "select g.id from benefit_grants g join entitlements e on e.id = g.entitlement_id "
        "where g.granted_at is not null and g.work is distinct from 'take' and not e.is_active",
    ),
    Invariant(
        "what is owed is held, is being given, or could not be given",
        # While an edit of the product or of the benefit is followed, some wait for their turn.
        "select e.id, b.id as benefit_id from entitlements e join products p on p.id = e.product_id "
        "cross join lateral jsonb_array_elements_text(p.benefit_ids) owed (id) join benefits b on b.id::text = owed.id "
        "where e.is_active and b.deleted_at is null and not exists (select from benefit_grants g "
        "where g.entitlement_id = e.id and g.benefit_id = b.id and g.work is distinct from 'take' "
        "and (g.granted_at is not null or g.failed_at is not null or g.work = 'give')) "
        "and not exists (select from product_changes c where c.product_id = p.id) "
        "and not exists (select from benefit_changes c where c.benefit_id = b.id)",
    ),
    Invariant(
        "benefits of a payment that is missing end with the grace period",
        "select e.id from entitlements e where e.is_active and e.past_due_at is not null "
        "and not exists (select from clocks c where c.organization_id = e.organization_id and not c.is_deleted) "
        "and coalesce(e.revoke_at, e.past_due_at) < cast(:now as timestamptz) - interval '1 hour'",
    ),
)
