"""Refunds and disputes, and what they took of orders and payments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def _resource(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("due_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"{name}_pkey"),
        sa.UniqueConstraint("processor_id", name=f"{name}_processor_id_key"),
    )
    latest = [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")]
    op.create_index(f"{name}_list_idx", name, ["organization_id", *latest])
    op.create_index(f"{name}_organization_id_idx", name, ["organization_id"])
    op.create_index(f"{name}_order_idx", name, ["order_id"])
    op.create_index(f"{name}_due_idx", name, ["due_at"], postgresql_where=sa.text("due_at is not null"))


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=True)


def upgrade() -> None:
    op.add_column("payments", sa.Column("refunded_amount", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("orders", _instant("benefits_revoked_at"))
    _resource(
        "refunds",
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("dispute_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("balance_amount", sa.BigInteger(), nullable=False),
        sa.Column("revoke_benefits", sa.Boolean(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("processor_id", sa.String(), nullable=True),
        sa.Column("failure_reason", sa.String(), nullable=True),
        _instant("announced_at"),
        sa.CheckConstraint("amount >= 0 and tax_amount >= 0 and amount + tax_amount > 0", name="refunds_amounts_check"),
        sa.CheckConstraint("status in ('pending', 'succeeded', 'failed', 'canceled')", name="refunds_status_check"),
    )
    _resource(
        "disputes",
        sa.Column("processor_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("fee_amount", sa.BigInteger(), nullable=False),
        _instant("evidence_due_by"),
        _instant("withdrawn_at"),
        _instant("charged_at"),
        _instant("reinstated_at"),
        _instant("accepted_at"),
        sa.CheckConstraint("amount >= 0 and tax_amount >= 0 and fee_amount >= 0", name="disputes_amounts_check"),
        sa.CheckConstraint(
            "status in ('prevented', 'early_warning', 'needs_response', 'under_review', 'lost', 'won')",
            name="disputes_status_check",
        ),
    )
    condition = "refunded_amount between 0 and amount"
    op.execute(f"alter table payments add constraint payments_refunds_check check ({condition}) not valid")
    op.execute("alter table payments validate constraint payments_refunds_check")
