"""Digests of projections, and the latest event of each resource outlives the outbox's retention."""

from alembic import op
from servicekit.migrations import upgrade_kit_tables_v2

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_kit_tables_v2(op, "products", "customers", "organizations")
