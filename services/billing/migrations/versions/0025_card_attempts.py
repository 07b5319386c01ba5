"""New cards that were tried within the last hour; what Stripe's Radar said of a payment."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a table and a column that the released version does not know."""
    op.create_table(
        "card_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("attempted_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", "mark", name="card_attempts_pkey"),
    )
    op.create_index("card_attempts_mark_idx", "card_attempts", ["mark", "outcome", "attempted_at"])
    op.create_index("card_attempts_attempted_at_idx", "card_attempts", ["attempted_at"])
    op.add_column("payments", sa.Column("processor_outcome", postgresql.JSONB(), nullable=True))
