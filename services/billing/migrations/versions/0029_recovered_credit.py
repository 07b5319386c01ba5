"""What a lost dispute takes back of the credit that was given for its payment."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '3s'")
    op.execute(
        "alter table disputes add column recovered_amount bigint, add column recovered_tax_amount bigint, "
        "add column unrecovered_amount bigint"
    )
