"""A discount that does not cover the product of a change is kept aside for the rest of the period."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a column that the released version neither reads nor writes."""
    op.add_column("subscriptions", sa.Column("set_aside_discount_data", JSONB))
