"""How many codes a customer was mailed, and how many were tried, within a day."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns that the released version does not write: each has a default or may be null."""
    op.add_column("login_codes", sa.Column("window_began_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    for name in ("window_mails", "window_attempts"):
        op.add_column("login_codes", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
