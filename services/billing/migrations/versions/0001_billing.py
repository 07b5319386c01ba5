"""The kit's tables, customers, orders, subscriptions, payments, and a ledger that refuses what does not balance."""

import sqlalchemy as sa
from alembic import op
from servicekit.migrations import create_kit_tables_v1
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LEDGER_RULES = (
    """
    create function ledger_refuse_change() returns trigger language plpgsql as $$
    begin
        raise exception 'the ledger is append-only: % of % is refused', tg_op, tg_table_name
            using errcode = 'integrity_constraint_violation';
    end $$
    """,
    """
    create trigger ledger_transactions_append_only before update or delete on ledger_transactions
    for each row execute function ledger_refuse_change()
    """,
    """
    create trigger ledger_entries_append_only before update or delete on ledger_entries
    for each row execute function ledger_refuse_change()
    """,
    # Entries belong to the database transaction that wrote their movement: nothing is added to it later.
    "alter table ledger_transactions add column written_by xid8 not null default pg_current_xact_id()",
    """
    create function ledger_same_transaction() returns trigger language plpgsql as $$
    begin
        if new.amount = 0 then
            raise exception 'a ledger entry moves something' using errcode = 'check_violation';
        end if;
        if not exists (
            select from ledger_transactions
            where id = new.transaction_id and written_by = pg_current_xact_id()
              and organization_id = new.organization_id
        ) then
            raise exception 'ledger transaction % is closed, or of another organization', new.transaction_id
                using errcode = 'integrity_constraint_violation';
        end if;
        return new;
    end $$
    """,
    """
    create trigger ledger_entries_same_transaction before insert on ledger_entries
    for each row execute function ledger_same_transaction()
    """,
    """
    create function ledger_balances() returns trigger language plpgsql as $$
    begin
        if not exists (select from ledger_entries where transaction_id = new.id) or exists (
            select from ledger_entries where transaction_id = new.id group by currency having sum(amount) <> 0
        ) then
            raise exception 'ledger transaction % does not balance', new.id using errcode = 'check_violation';
        end if;
        return null;
    end $$
    """,
    """
    create constraint trigger ledger_transactions_balance after insert on ledger_transactions
    deferrable initially deferred for each row execute function ledger_balances()
    """,
)


def upgrade() -> None:
    create_kit_tables_v1(op)
    op.create_table(
        "customer_aliases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("customer_aliases_pkey")),
    )
    op.create_table(
        "customers",
        sa.Column("email", postgresql.CITEXT(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("billing_name", sa.String(), nullable=True),
        sa.Column("billing_address", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("tax_id", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("locale", sa.String(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("invoice_prefix", sa.String(), nullable=False),
        sa.Column("invoices_count", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("customers_pkey")),
    )
    op.create_index(
        "customers_email_key",
        "customers",
        ["organization_id", "email"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "customers_external_id_key",
        "customers",
        ["organization_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND external_id IS NOT NULL"),
    )
    op.create_index(
        "customers_list_idx",
        "customers",
        ["organization_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(op.f("customers_organization_id_idx"), "customers", ["organization_id"], unique=False)
    op.create_table(
        "ledger_transactions",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_transactions_pkey")),
    )
    op.create_index("ledger_transactions_order_idx", "ledger_transactions", ["order_id"], unique=False)
    op.create_index(
        op.f("ledger_transactions_organization_id_idx"), "ledger_transactions", ["organization_id"], unique=False
    )
    op.create_index(
        "ledger_transactions_payment_key",
        "ledger_transactions",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'payment'"),
    )
    op.create_table(
        "orders",
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("billing_reason", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("discount_id", sa.Uuid(), nullable=True),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("checkout_id", sa.Uuid(), nullable=True),
        sa.Column("subtotal_amount", sa.BigInteger(), nullable=False),
        sa.Column("discount_amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("billing_name", sa.String(), nullable=True),
        sa.Column("billing_address", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("invoice_number", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("custom_field_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("product_data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("discount_data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "discount_amount between 0 and subtotal_amount and tax_amount >= 0", name=op.f("orders_amounts_check")
        ),
        sa.CheckConstraint(
            "subtotal_amount - discount_amount + tax_amount = total_amount", name=op.f("orders_total_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("orders_pkey")),
        sa.UniqueConstraint("checkout_id", name=op.f("orders_checkout_id_key")),
    )
    op.create_index("orders_customer_idx", "orders", ["customer_id"], unique=False)
    op.create_index("orders_invoice_number_key", "orders", ["organization_id", "invoice_number"], unique=True)
    op.create_index(
        "orders_list_idx",
        "orders",
        ["organization_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(op.f("orders_organization_id_idx"), "orders", ["organization_id"], unique=False)
    op.create_index("orders_subscription_idx", "orders", ["subscription_id"], unique=False)
    op.create_table(
        "payments",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("checkout_id", sa.Uuid(), nullable=True),
        sa.Column("processor", sa.String(), nullable=False),
        sa.Column("processor_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("method_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("processor_customer_id", sa.String(), nullable=True),
        sa.Column("processor_payment_method_id", sa.String(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("payments_pkey")),
        sa.UniqueConstraint("processor_id", name=op.f("payments_processor_id_key")),
    )
    op.create_index(
        "payments_list_idx",
        "payments",
        ["organization_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index("payments_order_idx", "payments", ["order_id"], unique=False)
    op.create_index(op.f("payments_organization_id_idx"), "payments", ["organization_id"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("price_id", sa.Uuid(), nullable=False),
        sa.Column("discount_id", sa.Uuid(), nullable=True),
        sa.Column("checkout_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("recurring_interval", sa.String(), nullable=False),
        sa.Column("recurring_interval_count", sa.Integer(), nullable=False),
        sa.Column("anchor_day", sa.Integer(), nullable=False),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("current_period_start", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("current_period_end", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("cancel_at_period_end", sa.Boolean(), nullable=False),
        sa.Column("canceled_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ends_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("customer_cancellation_reason", sa.String(), nullable=True),
        sa.Column("customer_cancellation_comment", sa.String(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("custom_field_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("product_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("price_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("discount_data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("subscriptions_pkey")),
    )
    op.create_index("subscriptions_customer_idx", "subscriptions", ["customer_id"], unique=False)
    op.create_index(
        "subscriptions_ending_idx",
        "subscriptions",
        ["current_period_end"],
        unique=False,
        postgresql_where=sa.text("cancel_at_period_end AND ended_at IS NULL"),
    )
    op.create_index(
        "subscriptions_list_idx",
        "subscriptions",
        ["organization_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(op.f("subscriptions_organization_id_idx"), "subscriptions", ["organization_id"], unique=False)
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["ledger_transactions.id"], name=op.f("ledger_entries_transaction_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_entries_pkey")),
    )
    op.create_index(
        "ledger_entries_account_idx", "ledger_entries", ["organization_id", "account", "currency"], unique=False
    )
    op.create_index(op.f("ledger_entries_transaction_id_idx"), "ledger_entries", ["transaction_id"], unique=False)
    op.create_table(
        "order_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("product_price_id", sa.Uuid(), nullable=True),
        sa.Column("start_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("end_timestamp", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("order_items_order_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("order_items_pkey")),
    )
    op.create_index(op.f("order_items_order_id_idx"), "order_items", ["order_id"], unique=False)

    for statement in LEDGER_RULES:
        op.execute(statement)
