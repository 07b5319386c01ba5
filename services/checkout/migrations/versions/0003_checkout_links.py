"""Checkout links; checkouts that offer several products, and of seats and units."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checkout_links",
        sa.Column("client_secret", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("product_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("discount_id", sa.Uuid(), nullable=True),
        sa.Column("allow_discount_codes", sa.Boolean(), nullable=False),
        sa.Column("require_billing_address", sa.Boolean(), nullable=False),
        sa.Column("success_url", sa.String(), nullable=True),
        sa.Column("return_url", sa.String(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="checkout_links_pkey"),
        sa.UniqueConstraint("client_secret", name="checkout_links_client_secret_key"),
    )
    op.create_index("checkout_links_organization_id_idx", "checkout_links", ["organization_id"])
    op.create_index(
        "checkout_links_list_idx", "checkout_links", ["organization_id", sa.text("created_at DESC"), sa.text("id DESC")]
    )
    op.create_index("checkout_links_product_ids_idx", "checkout_links", ["product_ids"], postgresql_using="gin")
    op.add_column("checkouts", sa.Column("offered_data", postgresql.JSONB(none_as_null=True), nullable=True))
    for name in ("seats", "min_seats", "max_seats", "units", "min_units", "max_units"):
        op.add_column("checkouts", sa.Column(name, sa.Integer(), nullable=True))
    op.create_index("organizations_slug_idx", "organizations", [sa.text("(data ->> 'slug')")])
