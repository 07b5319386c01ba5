"""Intents at Stripe whose secret a browser was given."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a table that the released version does not know."""
    op.create_table(
        "client_intents",
        sa.Column("processor_id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("purchase", sa.String(), nullable=False),
        sa.Column("declined_as", sa.String(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("due_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("processor_id", name="client_intents_pkey"),
    )
    op.create_index(
        "client_intents_due_idx", "client_intents", ["due_at"], postgresql_where=sa.text("due_at is not null")
    )
