"""Subscriptions through time: renewals, trials, dunning; saved cards; payments by attempt; balances; waiting lines."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from servicekit.mail import create_mail_table
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INSTANT: Any = postgresql.TIMESTAMP(timezone=True)
JSON: Any = postgresql.JSONB()
ZERO: Any = sa.text("0")
FALSE: Any = sa.text("false")


def _record() -> tuple[sa.Column, ...]:
    return (
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("modified_at", INSTANT),
    )


COLUMNS: dict[str, tuple[sa.Column, ...]] = {
    "customers": (sa.Column("default_payment_method_id", sa.Uuid()), sa.Column("processor_customer_id", sa.String())),
    "orders": (
        sa.Column("net_amount", sa.BigInteger()),
        sa.Column("applied_balance_amount", sa.BigInteger(), nullable=False, server_default=ZERO),
        sa.Column("refunded_amount", sa.BigInteger(), nullable=False, server_default=ZERO),
        sa.Column("refunded_tax_amount", sa.BigInteger(), nullable=False, server_default=ZERO),
        sa.Column("platform_fee_amount", sa.BigInteger(), nullable=False, server_default=ZERO),
        sa.Column("receipt_number", sa.String()),
        sa.Column("period_start", INSTANT),
        sa.Column("next_payment_attempt_at", INSTANT),
        sa.Column("payment_deadline", INSTANT),
        sa.Column("paid_at", INSTANT),
        sa.Column("voided_at", INSTANT),
    ),
    "order_items": (
        sa.Column("discount_amount", sa.BigInteger(), nullable=False, server_default=ZERO),
        sa.Column("proration", sa.Boolean(), nullable=False, server_default=FALSE),
        sa.Column("computation", JSON),
    ),
    "subscriptions": (
        sa.Column("trial_start", INSTANT),
        sa.Column("trial_end", INSTANT),
        sa.Column("past_due_at", INSTANT),
        sa.Column("pause_at_period_end", sa.Boolean(), nullable=False, server_default=FALSE),
        sa.Column("paused_at", INSTANT),
        sa.Column("resumes_at", INSTANT),
        sa.Column("payment_method_id", sa.Uuid()),
        sa.Column("pending_update", JSON),
        sa.Column("discount_applied_at", INSTANT),
        sa.Column("reminded_for", INSTANT),
        sa.Column("benefits_lapse_at", INSTANT),
    ),
    "payments": (
        sa.Column("attempt", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("payment_method_id", sa.Uuid()),
        sa.Column("processor_fee_amount", sa.BigInteger(), nullable=False, server_default=ZERO),
        sa.Column("decline_code", sa.String()),
        sa.Column("decline_message", sa.String()),
        sa.Column("due_at", INSTANT),
    ),
}
CHECKS = {
    "totals": "net_amount + tax_amount = total_amount",
    "net": "net_amount = subtotal_amount - discount_amount "
    "- case when tax_behavior = 'inclusive' then tax_amount else 0 end",
    "due": "discount_amount >= 0 and total_amount + applied_balance_amount >= 0",
    "refunded": "refunded_amount >= 0 and refunded_tax_amount >= 0 "
    "and (refunded_amount = 0 or refunded_amount <= net_amount) "
    "and (refunded_tax_amount = 0 or refunded_tax_amount <= tax_amount)",
}
NET = (
    # A release that does not know the column writes orders without it.
    """
    create function orders_fill_net() returns trigger language plpgsql as $$
    begin
        new.net_amount := new.total_amount - new.tax_amount;
        return new;
    end $$
    """,
    """
    create trigger orders_net before insert on orders
    for each row when (new.net_amount is null) execute function orders_fill_net()
    """,
    "update orders set net_amount = total_amount - tax_amount where net_amount is null",
    "update orders set paid_at = created_at where paid_at is null and status = 'paid'",
)
ENTRIES_STAY = (
    """
    create function customer_balance_refuse_change() returns trigger language plpgsql as $$
    begin
        raise exception 'entries of balances are append-only: % is refused', tg_op
            using errcode = 'integrity_constraint_violation';
    end $$
    """,
    """
    create trigger customer_balance_entries_append_only before update or delete on customer_balance_entries
    for each row execute function customer_balance_refuse_change()
    """,
)
INDEXES: tuple[tuple[str, str, list[str], bool, str | None], ...] = (
    ("orders_period_key", "orders", ["subscription_id", "period_start"], True, "period_start is not null"),
    ("orders_attempt_idx", "orders", ["next_payment_attempt_at"], False, "next_payment_attempt_at is not null"),
    ("orders_pending_idx", "orders", ["subscription_id"], False, "status = 'pending'"),
    ("payments_due_idx", "payments", ["due_at"], False, "due_at is not null"),
    ("payments_order_id_attempt_key", "payments", ["order_id", "attempt"], True, None),
    ("payments_open_key", "payments", ["order_id"], True, "status = 'open'"),
    ("payments_succeeded_key", "payments", ["order_id"], True, "status = 'succeeded'"),
    (
        "subscriptions_renewal_idx",
        "subscriptions",
        ["current_period_end"],
        False,
        "status in ('trialing', 'active', 'past_due')",
    ),
    ("subscriptions_lapse_idx", "subscriptions", ["benefits_lapse_at"], False, "benefits_lapse_at is not null"),
)


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    op.execute("alter table orders alter invoice_number drop not null")
    op.execute("alter table payments alter processor_id drop not null")
    for name in ("amounts", "total"):
        op.execute(f"alter table orders drop constraint orders_{name}_check")
    for statement in NET:
        op.execute(statement)
    for name, condition in CHECKS.items():
        op.execute(f"alter table orders add constraint orders_{name}_check check ({condition}) not valid")
        op.execute(f"alter table orders validate constraint orders_{name}_check")
    op.create_table(
        "payment_methods",
        *_record(),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("processor", sa.String(), nullable=False),
        sa.Column("processor_id", sa.String(), nullable=False),
        sa.Column("processor_customer_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("method_metadata", JSON, nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.UniqueConstraint("processor_id", name="payment_methods_processor_id_key"),
    )
    op.create_index("payment_methods_organization_id_idx", "payment_methods", ["organization_id"])
    op.create_index(
        "payment_methods_customer_idx",
        "payment_methods",
        ["customer_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
    )
    op.create_table(
        "billing_entries",
        *_record(),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("proration", sa.Boolean(), nullable=False),
        sa.Column("product_price_id", sa.Uuid()),
        sa.Column("start_timestamp", INSTANT),
        sa.Column("end_timestamp", INSTANT),
        sa.Column("computation", JSON),
        sa.Column("order_id", sa.Uuid()),
    )
    op.create_index("billing_entries_organization_id_idx", "billing_entries", ["organization_id"])
    op.create_index(
        "billing_entries_waiting_idx",
        "billing_entries",
        ["subscription_id"],
        postgresql_where=sa.text("order_id is null"),
    )
    op.create_table(
        "customer_balances",
        sa.Column("customer_id", sa.Uuid(), primary_key=True),
        sa.Column("currency", sa.String(3), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", INSTANT, nullable=False),
    )
    op.create_table(
        "customer_balance_entries",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid()),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_index("customer_balance_entries_customer_idx", "customer_balance_entries", ["customer_id", "currency"])
    for statement in ENTRIES_STAY:
        op.execute(statement)
    create_mail_table(op)
    with op.get_context().autocommit_block():
        for name, table, columns, is_unique, condition in INDEXES:
            op.create_index(
                name,
                table,
                columns,
                unique=is_unique,
                postgresql_where=sa.text(condition) if condition else None,
                postgresql_concurrently=True,
                if_not_exists=True,
            )
        op.execute("drop index concurrently if exists payments_order_idx")
