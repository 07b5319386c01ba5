"""What tax providers are told of sales and refunds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tax_transactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("calculation_id", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=True),
        sa.Column("due_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="tax_transactions_pkey"),
        sa.UniqueConstraint("refund_id", name="tax_transactions_refund_id_key"),
    )
    op.create_index("tax_transactions_organization_id_idx", "tax_transactions", ["organization_id"])
    op.create_index(
        "tax_transactions_sale_key",
        "tax_transactions",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("refund_id is null"),
    )
    op.create_index(
        "tax_transactions_due_idx", "tax_transactions", ["due_at"], postgresql_where=sa.text("due_at is not null")
    )
