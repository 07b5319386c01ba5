"""A ledger of every kind of movement, closed to additions, edits, removals and forged marks, whoever tries."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

RULES = (
    # The mark of the database transaction is the database's own: what a client says of it is overwritten.
    """
    create function ledger_mark_transaction() returns trigger language plpgsql as $$
    begin
        new.written_by := pg_current_xact_id();
        return new;
    end $$
    """,
    """
    create trigger ledger_transactions_marked before insert on ledger_transactions
    for each row execute function ledger_mark_transaction()
    """,
    # `set constraints all immediate` checks a movement early: entries that follow are checked for themselves.
    """
    create function ledger_entry_balances() returns trigger language plpgsql as $$
    begin
        if exists (
            select from ledger_entries where transaction_id = new.transaction_id
            group by currency having sum(amount) <> 0
        ) then
            raise exception 'ledger transaction % does not balance', new.transaction_id
                using errcode = 'check_violation';
        end if;
        return null;
    end $$
    """,
    """
    create constraint trigger ledger_entries_balance after insert on ledger_entries
    deferrable initially deferred for each row execute function ledger_entry_balances()
    """,
    """
    create trigger ledger_transactions_not_emptied before truncate on ledger_transactions
    for each statement execute function ledger_refuse_change()
    """,
    """
    create trigger ledger_entries_not_emptied before truncate on ledger_entries
    for each statement execute function ledger_refuse_change()
    """,
)
KINDS = (
    "kind in ('payment', 'processor_fee', 'platform_fee', 'refund', 'refund_reversal', 'dispute', 'dispute_reversal', "
    "'payout', 'balance')"
)
ACCOUNTS = (
    "account in ('processor', 'customer_payments', 'customer_balance', 'merchant_balance', 'tax_payable', "
    "'platform_fee', 'processor_fees', 'refunds', 'disputes', 'payouts')"
)
REFERENCES = (
    "(kind not in ('payment', 'platform_fee') or payment_id is not null) "
    "and (kind not in ('refund', 'refund_reversal') or refund_id is not null) "
    "and (kind not in ('dispute', 'dispute_reversal') or dispute_id is not null) "
    "and (kind <> 'processor_fee' or payment_id is not null or dispute_id is not null)"
)
INDEXES: tuple[tuple[str, list[str], bool, str], ...] = (
    ("ledger_transactions_processor_fee_key", ["payment_id"], True, "kind = 'processor_fee' and dispute_id is null"),
    ("ledger_transactions_platform_fee_key", ["payment_id"], True, "kind = 'platform_fee'"),
    (
        "ledger_transactions_settlement_key",
        ["order_id"],
        True,
        "kind = 'balance' and refund_id is null and dispute_id is null",
    ),
    ("ledger_transactions_refund_key", ["refund_id", "kind"], True, "kind <> 'balance'"),
    ("ledger_transactions_dispute_key", ["dispute_id", "kind"], True, "dispute_id is not null"),
    ("ledger_transactions_customer_idx", ["customer_id"], False, "customer_id is not null"),
)


def upgrade() -> None:
    for column in ("order_id", "payment_id"):
        op.execute(f"alter table ledger_transactions alter {column} drop not null")
    for column in ("customer_id", "refund_id", "dispute_id"):
        op.add_column("ledger_transactions", sa.Column(column, sa.Uuid(), nullable=True))
    for table, name, condition in (
        ("ledger_transactions", "ledger_transactions_kind_check", KINDS),
        ("ledger_transactions", "ledger_transactions_references_check", REFERENCES),
        ("ledger_entries", "ledger_entries_account_check", ACCOUNTS),
    ):
        op.execute(f"alter table {table} add constraint {name} check ({condition}) not valid")
        op.execute(f"alter table {table} validate constraint {name}")
    for rule in RULES:
        op.execute(rule)
    with op.get_context().autocommit_block():
        for name, columns, is_unique, condition in INDEXES:
            op.create_index(
                name,
                "ledger_transactions",
                columns,
                unique=is_unique,
                postgresql_where=sa.text(condition),
                postgresql_concurrently=True,
                if_not_exists=True,
            )
