"""What organizations connected at other systems, logins bound to a browser, and what is known of meters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
INSTANT: sa.types.TypeEngine = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    # `oauth_logins` stays for processes of the release before this one; nothing else reads it.
    op.create_table(
        "logins",
        sa.Column("ticket_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("return_to", sa.String(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=True),
        sa.Column("state_hash", sa.LargeBinary(), nullable=True),
        sa.Column("encrypted_verifier", sa.LargeBinary(), nullable=True),
    )
    op.create_index("logins_state_key", "logins", ["state_hash"], unique=True)
    op.create_index("logins_expires_idx", "logins", ["expires_at"])
    op.create_table(
        "benefit_connections",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("modified_at", INSTANT, nullable=True),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("connected_by", sa.String(), nullable=True),
    )
    op.create_index(
        "benefit_connections_external_key",
        "benefit_connections",
        ["organization_id", "platform", "external_id"],
        unique=True,
    )
    op.create_table(
        "meters",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=True),
    )
