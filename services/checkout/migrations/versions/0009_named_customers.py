"""Checkouts keep the customer that the seller named apart from the one that a confirmation promised.

The index finds purchases by the seller's own id of the customer.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("checkouts", sa.Column("named_customer_id", sa.Uuid(), nullable=True))
    op.add_column("checkouts", sa.Column("named_email", postgresql.CITEXT(), nullable=True))
    with op.get_context().autocommit_block():
        op.create_index(
            "checkouts_external_customer_idx",
            "checkouts",
            ["organization_id", "external_customer_id"],
            postgresql_where=sa.text("external_customer_id is not null"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
