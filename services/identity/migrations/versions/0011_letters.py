"""Mails keep what they say, what they are about, and a key that makes each of them one."""

from alembic import op
from servicekit.mail import add_letters

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_letters(op)
