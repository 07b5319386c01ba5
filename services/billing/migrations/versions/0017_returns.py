"""Payments that nobody owed, and their way back, in the ledger: also those of before."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KINDS = (
    "kind in ('payment', 'processor_fee', 'platform_fee', 'refund', 'refund_reversal', 'dispute', 'dispute_reversal', "
    "'payout', 'balance', 'return', 'return_reversal')"
)
REFERENCES = (
    "(kind not in ('payment', 'platform_fee', 'return', 'return_reversal') or payment_id is not null) "
    "and (kind not in ('refund', 'refund_reversal') or refund_id is not null) "
    "and (kind not in ('dispute', 'dispute_reversal') or dispute_id is not null) "
    "and (kind <> 'processor_fee' or payment_id is not null or dispute_id is not null)"
)
MOVEMENTS = (
    ("payment", "p.amount", "('duplicate', 'refunded')", "processor", "customer_payments"),
    ("processor_fee", "p.processor_fee_amount", "('duplicate', 'refunded')", "processor_fees", "processor"),
    ("return", "p.amount", "('refunded')", "customer_payments", "processor"),
)
"""Kind, amount, statuses of the payments that have it, and the accounts that it is a debit and a credit of."""


def upgrade() -> None:
    for name, condition in (("kind", KINDS), ("references", REFERENCES)):
        op.execute(f"alter table ledger_transactions drop constraint ledger_transactions_{name}_check")
        op.execute(
            f"alter table ledger_transactions add constraint ledger_transactions_{name}_check check ({condition}) "
            "not valid"
        )
        op.execute(f"alter table ledger_transactions validate constraint ledger_transactions_{name}_check")
    for kind, amount, statuses, debit, credit in MOVEMENTS:
        op.execute(
            "insert into ledger_transactions (id, organization_id, created_at, kind, payment_id, customer_id, "
            f"occurred_at) select gen_random_uuid(), organization_id, now(), '{kind}', id, customer_id, "
            f"coalesce(modified_at, created_at) from payments p where status in {statuses} and {amount} > 0 "
            f"and not exists (select from ledger_transactions t where t.payment_id = p.id and t.kind = '{kind}')"
        )
        op.execute(
            "insert into ledger_entries (id, transaction_id, organization_id, account, amount, currency) "
            "select gen_random_uuid(), t.id, t.organization_id, side.account, side.sign * "
            f"{amount}, p.currency from ledger_transactions t join payments p on p.id = t.payment_id "
            f"cross join (values ('{debit}', 1), ('{credit}', -1)) as side (account, sign) "
            f"where t.kind = '{kind}' and p.status in {statuses} and t.order_id is null "
            "and not exists (select from ledger_entries e where e.transaction_id = t.id)"
        )
    with op.get_context().autocommit_block():
        op.create_index(
            "ledger_transactions_return_key",
            "ledger_transactions",
            ["payment_id", "kind"],
            unique=True,
            postgresql_where=sa.text("kind in ('return', 'return_reversal')"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
