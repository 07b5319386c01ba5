"""The tax of orders: its behaviour, its breakdown, and how it was computed; an inclusive tax is part of the price."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TOTAL = (
    "subtotal_amount - discount_amount + case when tax_behavior = 'inclusive' then 0 else tax_amount end = total_amount"
)


def upgrade() -> None:
    for name in ("tax_behavior", "tax_calculation_id"):
        op.add_column("orders", sa.Column(name, sa.String(), nullable=True))
    for name in ("tax_breakdown", "tax_computation", "tax_id"):
        op.add_column("orders", sa.Column(name, postgresql.JSONB(), nullable=True))
    op.add_column("subscriptions", sa.Column("tax_behavior", sa.String(), nullable=True))
    op.execute("alter table orders drop constraint orders_total_check")
    op.execute(f"alter table orders add constraint orders_total_check check ({TOTAL}) not valid")
    op.execute("alter table orders validate constraint orders_total_check")
