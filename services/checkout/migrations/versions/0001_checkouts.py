"""The kit's tables, checkouts, discounts, payments, and what is known of products, customers and organizations."""

import sqlalchemy as sa
from alembic import op
from servicekit.migrations import create_kit_tables_v1
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_kit_tables_v1(op)

    op.create_table(
        "checkouts",
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("client_secret", sa.String(), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("success_url", sa.String(), nullable=False),
        sa.Column("return_url", sa.String(), nullable=True),
        sa.Column("embed_origin", sa.String(), nullable=True),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("price_id", sa.Uuid(), nullable=False),
        sa.Column("product_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("discount_amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("discount_id", sa.Uuid(), nullable=True),
        sa.Column("discount_data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("allow_discount_codes", sa.Boolean(), nullable=False),
        sa.Column("require_billing_address", sa.Boolean(), nullable=False),
        sa.Column("is_business_customer", sa.Boolean(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("customer_email", postgresql.CITEXT(), nullable=True),
        sa.Column("customer_name", sa.String(), nullable=True),
        sa.Column("customer_billing_name", sa.String(), nullable=True),
        sa.Column(
            "customer_billing_address", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("customer_tax_id", sa.String(), nullable=True),
        sa.Column("customer_ip_address", sa.String(), nullable=True),
        sa.Column("customer_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("external_customer_id", sa.String(), nullable=True),
        sa.Column("locale", sa.String(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("custom_field_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("processor_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("confirmed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("succeeded_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="checkouts_pkey"),
        sa.UniqueConstraint("client_secret", name="checkouts_client_secret_key"),
    )
    op.create_index("checkouts_expiry_idx", "checkouts", ["expires_at"], postgresql_where=sa.text("status = 'open'"))
    op.create_index(
        "checkouts_list_idx", "checkouts", ["organization_id", sa.text("created_at DESC"), sa.text("id DESC")]
    )
    op.create_index("checkouts_organization_id_idx", "checkouts", ["organization_id"])
    op.create_table(
        "customer_reservations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("email", postgresql.CITEXT(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "email", name="customer_reservations_pkey"),
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("email", postgresql.CITEXT(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name="customers_pkey"),
    )
    op.create_index("customers_email_idx", "customers", ["organization_id", "email"])
    op.create_index("customers_external_id_idx", "customers", ["organization_id", "external_id"])
    op.create_table(
        "discounts",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("code", postgresql.CITEXT(), nullable=True),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("duration", sa.String(), nullable=False),
        sa.Column("duration_in_months", sa.Integer(), nullable=True),
        sa.Column("basis_points", sa.Integer(), nullable=True),
        sa.Column("amounts", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("starts_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ends_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("max_redemptions", sa.Integer(), nullable=True),
        sa.Column("max_redemptions_per_customer", sa.Integer(), nullable=True),
        sa.Column("redemptions_count", sa.Integer(), nullable=False),
        sa.Column("product_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="discounts_pkey"),
    )
    op.create_index(
        "discounts_code_key",
        "discounts",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND code IS NOT NULL"),
    )
    op.create_index(
        "discounts_list_idx", "discounts", ["organization_id", sa.text("created_at DESC"), sa.text("id DESC")]
    )
    op.create_index("discounts_organization_id_idx", "discounts", ["organization_id"])
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name="organizations_pkey"),
    )
    op.create_table(
        "payments",
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("confirmation_token", sa.String(), nullable=False),
        sa.Column("saves_method", sa.Boolean(), nullable=False),
        sa.Column("processor_id", sa.String(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("decline_code", sa.String(), nullable=True),
        sa.Column("decline_message", sa.String(), nullable=True),
        sa.Column("due_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="payments_pkey"),
        sa.UniqueConstraint("checkout_id", "attempt", name="payments_checkout_id_attempt_key"),
        sa.UniqueConstraint("processor_id", name="payments_processor_id_key"),
    )
    op.create_index("payments_due_idx", "payments", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index("payments_organization_id_idx", "payments", ["organization_id"])
    op.create_table(
        "processor_customers",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("processor_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="processor_customers_pkey"),
    )
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("price_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name="products_pkey"),
    )
    op.create_index("products_organization_id_idx", "products", ["organization_id"])
    op.create_table(
        "stripe_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="stripe_events_pkey"),
    )
    op.create_table(
        "redemptions",
        sa.Column("discount_id", sa.Uuid(), nullable=False),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["discount_id"], ["discounts.id"], name="redemptions_discount_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="redemptions_pkey"),
        sa.UniqueConstraint("checkout_id", name="redemptions_checkout_id_key"),
    )
    op.create_index("redemptions_customer_idx", "redemptions", ["discount_id", "customer_id"])
    op.create_index("redemptions_organization_id_idx", "redemptions", ["organization_id"])
