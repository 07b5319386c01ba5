"""What must always be true of the data of benefits."""

from servicekit.invariants import Invariant

INVARIANTS = (
    Invariant(
        "a held grant has an entitlement that lives",
        "select g.id from benefit_grants g join entitlements e on e.id = g.entitlement_id "
        "where g.granted_at is not null and g.work is distinct from 'take' and not e.is_active",
    ),
)
