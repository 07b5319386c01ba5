"""Trials of checkouts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("checkouts", sa.Column("trial_interval", sa.String(), nullable=True))
    op.add_column("checkouts", sa.Column("trial_interval_count", sa.Integer(), nullable=True))
    op.add_column("checkouts", sa.Column("allow_trial", sa.Boolean(), nullable=False, server_default=sa.text("true")))
    op.add_column("checkouts", sa.Column("trial_end", sa.TIMESTAMP(timezone=True), nullable=True))
