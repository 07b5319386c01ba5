"""What organizations set: socials, currency, tax behaviour, and the settings of subscriptions, mails and the portal."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organizations", sa.Column("country", sa.String(2), nullable=True))
    op.add_column("organizations", sa.Column("socials", postgresql.JSONB(), nullable=False, server_default="[]"))
    op.add_column("organizations", sa.Column("settings", postgresql.JSONB(), nullable=False, server_default="{}"))
