"""The tax of a checkout: its behaviour, its breakdown, and how it was computed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("tax_behavior", "tax_calculation_id", "customer_tax_id_format"):
        op.add_column("checkouts", sa.Column(name, sa.String(), nullable=True))
    for name in ("tax_breakdown", "tax_computation"):
        op.add_column("checkouts", sa.Column(name, postgresql.JSONB(), nullable=True))
