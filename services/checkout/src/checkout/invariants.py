"""What must always be true of checkout's data."""

from servicekit.invariants import Invariant

INVARIANTS = (
    Invariant(
        "a discount counts what was redeemed",
        "select d.id, d.redemptions_count from discounts d where d.redemptions_count <> "
        "(select count(*) from redemptions r where r.discount_id = d.id)",
    ),
    Invariant(
        "a successful checkout that costs something has exactly one successful payment",
        "select c.id from checkouts c where c.status = 'succeeded' and c.amount - c.discount_amount + c.tax_amount > 0 "
        "and 1 <> (select count(*) from payments p where p.checkout_id = c.id and p.status = 'succeeded')",
    ),
    Invariant(
        "payments are not left open for an hour",
        "select id, processor_id from payments where status = 'open' "
        "and created_at < cast(:now as timestamptz) - interval '1 hour'",
    ),
)
