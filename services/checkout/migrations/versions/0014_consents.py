"""Checkouts keep the consent to delivery at once that was given with their confirmation."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("checkouts", sa.Column("immediate_delivery_consent", postgresql.JSONB(), nullable=True))
