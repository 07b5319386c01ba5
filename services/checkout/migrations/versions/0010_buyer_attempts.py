"""What buyers have tried within the last hour, so that declined cards and opened links are bounded."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds tables that the released version does not know."""
    op.create_table(
        "buyer_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("attempted_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", "mark", name="buyer_attempts_pkey"),
    )
    op.create_index("buyer_attempts_mark_idx", "buyer_attempts", ["mark", "outcome", "attempted_at"])
    op.create_index("buyer_attempts_attempted_at_idx", "buyer_attempts", ["attempted_at"])
    op.create_table(
        "decline_alerts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("raised_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name="decline_alerts_pkey"),
    )
