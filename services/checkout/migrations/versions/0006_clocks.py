"""Test clocks: where each organization that has one stands."""

from alembic import op
from servicekit.migrations import upgrade_kit_tables_v3

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_kit_tables_v3(op)
