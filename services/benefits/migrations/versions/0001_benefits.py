"""The kit's tables, benefits, grants, license keys, and what is known of products and customers."""

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
        "benefits",
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("visibility", sa.String(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("benefits_pkey")),
    )
    op.create_index(
        "benefits_list_idx",
        "benefits",
        ["organization_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(op.f("benefits_organization_id_idx"), "benefits", ["organization_id"], unique=False)
    op.create_table(
        "customers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("customers_pkey")),
    )
    op.create_index(op.f("customers_organization_id_idx"), "customers", ["organization_id"], unique=False)
    op.create_table(
        "entitlements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("entitlements_pkey")),
    )
    op.create_index(op.f("entitlements_customer_id_idx"), "entitlements", ["customer_id"], unique=False)
    op.create_index(
        "entitlements_product_idx",
        "entitlements",
        ["product_id", "id"],
        unique=False,
        postgresql_where=sa.text("is_active"),
    )
    op.create_table(
        "license_keys",
        sa.Column("benefit_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("limit_activations", sa.Integer(), nullable=True),
        sa.Column("limit_usage", sa.Integer(), nullable=True),
        sa.Column("usage", sa.Integer(), nullable=False),
        sa.Column("validations", sa.Integer(), nullable=False),
        sa.Column("last_validated_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("license_keys_pkey")),
        sa.UniqueConstraint("grant_id", name=op.f("license_keys_grant_id_key")),
    )
    op.create_index("license_keys_benefit_idx", "license_keys", ["benefit_id"], unique=False)
    op.create_index("license_keys_customer_idx", "license_keys", ["customer_id"], unique=False)
    op.create_index("license_keys_key_key", "license_keys", ["organization_id", "key"], unique=True)
    op.create_index(
        "license_keys_list_idx",
        "license_keys",
        ["organization_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(op.f("license_keys_organization_id_idx"), "license_keys", ["organization_id"], unique=False)
    op.create_table(
        "product_changes",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("done_to", sa.Uuid(), nullable=True),
        sa.Column("worked_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("product_id", name=op.f("product_changes_pkey")),
    )
    op.create_index("product_changes_turn_idx", "product_changes", ["worked_at"], unique=False)
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("benefit_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("products_pkey")),
    )
    op.create_table(
        "benefit_grants",
        sa.Column("benefit_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("granted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["benefit_id"], ["benefits.id"], name=op.f("benefit_grants_benefit_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("benefit_grants_pkey")),
    )
    op.create_index(
        "benefit_grants_benefit_idx",
        "benefit_grants",
        ["benefit_id", sa.literal_column("created_at DESC")],
        unique=False,
    )
    op.create_index("benefit_grants_customer_idx", "benefit_grants", ["customer_id"], unique=False)
    op.create_index("benefit_grants_entitlement_key", "benefit_grants", ["entitlement_id", "benefit_id"], unique=True)
    op.create_index(
        "benefit_grants_list_idx",
        "benefit_grants",
        ["organization_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(op.f("benefit_grants_organization_id_idx"), "benefit_grants", ["organization_id"], unique=False)
    op.create_table(
        "license_key_activations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("license_key_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("conditions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deactivated_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["license_key_id"], ["license_keys.id"], name=op.f("license_key_activations_license_key_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("license_key_activations_pkey")),
    )
    op.create_index(
        op.f("license_key_activations_license_key_id_idx"), "license_key_activations", ["license_key_id"], unique=False
    )
