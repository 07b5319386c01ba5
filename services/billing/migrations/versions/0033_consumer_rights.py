"""Withdrawals and cancellations without a login, the codes that prove an address, and consents on orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0030"
branch_labels = None
depends_on = None


def _instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=nullable)


def _record() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False, index=True),
        _instant("created_at", nullable=False),
        _instant("modified_at"),
    ]


def upgrade() -> None:
    """Adds columns and tables that the released version does not know."""
    op.add_column("orders", sa.Column("is_business_customer", sa.Boolean(), nullable=True))
    op.add_column("orders", sa.Column("immediate_delivery_consent", postgresql.JSONB(), nullable=True))
    op.create_table(
        "mailed_codes",
        *_record(),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=False),
        _instant("requested_at", nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        _instant("expires_at", nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _instant("window_began_at"),
        sa.Column("window_mails", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("window_attempts", sa.Integer(), nullable=False, server_default="0"),
    )
    op.create_index("mailed_codes_key", "mailed_codes", ["purpose", "about"], unique=True)
    op.create_table(
        "withdrawals",
        *_record(),
        sa.Column("order_id", sa.Uuid(), nullable=False, unique=True),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        _instant("requested_at", nullable=False),
        _instant("period_ends_at", nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("is_pro_rata", sa.Boolean(), nullable=False),
        sa.Column("is_disputed", sa.Boolean(), nullable=False),
    )
    op.create_index("withdrawals_customer_idx", "withdrawals", ["customer_id"])
    op.create_table(
        "cancellations",
        *_record(),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("contract_number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        _instant("ends_at"),
        _instant("processed_at"),
        _instant("due_at"),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        _instant("token_expires_at"),
    )
    op.create_index(
        "cancellations_due_idx", "cancellations", ["due_at"], postgresql_where=sa.text("due_at is not null")
    )
    op.create_index(
        "cancellations_token_key",
        "cancellations",
        ["token_hash"],
        unique=True,
        postgresql_where=sa.text("token_hash is not null"),
    )
    op.create_index(
        "cancellations_idle_idx",
        "cancellations",
        ["created_at"],
        postgresql_where=sa.text("status in ('unmatched', 'repeated')"),
    )
