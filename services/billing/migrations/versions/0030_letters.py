"""Mails keep what they say, what they are about, and a key that makes each of them one."""

import sqlalchemy as sa
from alembic import op
from servicekit.mail import add_letters

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_letters(op)
    op.add_column("payment_methods", sa.Column("expiry_checked_in", sa.String(), nullable=True))
