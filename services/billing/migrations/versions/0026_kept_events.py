"""A partition for the events that outlive the retention; months are dropped without a lock on the outbox."""

from alembic import op
from servicekit.migrations import upgrade_kit_tables_v4

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_kit_tables_v4(op)
