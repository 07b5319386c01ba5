"""Drop the index of a column that nothing reads: benefits lapse by the grace period that the benefits service counts.

The column `subscriptions.benefits_lapse_at` is not mapped; it is dropped by a later release, as every contraction is.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("subscriptions_lapse_idx", "subscriptions", postgresql_concurrently=True, if_exists=True)
