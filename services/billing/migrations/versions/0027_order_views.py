"""Orders keep the HMAC of their checkout's client secret, whose holder may look at them for a day."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("view_hash", sa.LargeBinary(), nullable=True))
    with op.get_context().autocommit_block():
        op.create_index(
            "orders_view_key",
            "orders",
            ["view_hash"],
            unique=True,
            postgresql_where=sa.text("view_hash is not null"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
