"""Sessions that come with a purchase, customers' first purchases, changes of e-mail addresses, and looks of sellers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customer_sessions", sa.Column("checkout_id", sa.Uuid(), nullable=True))
    op.add_column("organizations", sa.Column("branding", postgresql.JSONB(), nullable=True))
    op.add_column("customer_sessions", sa.Column("email", sa.Text(), nullable=True))
    op.create_table(
        "first_purchases",
        sa.Column("customer_id", sa.Uuid(), primary_key=True),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
    )
    op.create_table(
        "email_updates",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False, unique=True),
        sa.Column("old_email", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("window_began_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("window_mails", sa.Integer(), nullable=False),
    )
