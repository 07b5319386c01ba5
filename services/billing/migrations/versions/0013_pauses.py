"""Find pauses that begin or end without reading every subscription."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "subscriptions_pausing_idx",
            "subscriptions",
            ["current_period_end"],
            postgresql_where=sa.text("pause_at_period_end"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.create_index(
            "subscriptions_resuming_idx",
            "subscriptions",
            ["resumes_at"],
            postgresql_where=sa.text("status = 'paused'"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
