"""What sellers offer consumers: withdrawal and cancellation without a login, and the consent to delivery at once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organizations", sa.Column("consumer_rights", postgresql.JSONB(), nullable=True))
