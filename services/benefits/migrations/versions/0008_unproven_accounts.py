"""For which purchase an account was connected, where the customer had not proven their address.

Accounts of earlier releases have none: they are used for all that their customer has, as they were.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("oauth_accounts", sa.Column("checkout_id", sa.Uuid()))
    op.add_column("logins", sa.Column("checkout_id", sa.Uuid()))
