"""Webhook events keep the trace of what they tell of, so that a delivery is part of it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhook_events", sa.Column("traceparent", sa.String(), nullable=True))
