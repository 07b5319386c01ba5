"""Members of customers that are teams; orders and subscriptions of seats and units."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "members",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "customer_id", sa.Uuid(), sa.ForeignKey("customers.id", name="members_customer_id_fkey"), nullable=False
        ),
        sa.Column("email", postgresql.CITEXT(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
    )
    op.create_index("members_organization_id_idx", "members", ["organization_id"])
    op.create_index("members_list_idx", "members", ["customer_id", sa.text("created_at DESC"), sa.text("id DESC")])
    op.create_index("members_email_key", "members", ["customer_id", "email"], unique=True)
    op.create_index(
        "members_external_id_key",
        "members",
        ["customer_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_index(
        "members_owner_key", "members", ["customer_id"], unique=True, postgresql_where=sa.text("role = 'owner'")
    )
    for table in ("orders", "subscriptions"):
        for name in ("seats", "units"):
            op.add_column(table, sa.Column(name, sa.Integer(), nullable=True))
