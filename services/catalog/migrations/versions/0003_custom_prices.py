"""Custom prices: the buyer chooses the amount, between a minimum and a maximum."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("minimum_amount", "maximum_amount", "preset_amount"):
        op.add_column("prices", sa.Column(name, sa.BigInteger(), nullable=True))
