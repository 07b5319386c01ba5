"""For which purchase a change of address is, where the customer had not proven the old one."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("email_updates", sa.Column("checkout_id", sa.Uuid()))
