"""What is known of files and organizations, downloads, and the checkout of an entitlement."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=True),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
    )
    op.create_index("files_organization_id_idx", "files", ["organization_id"])
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
    )
    op.create_table(
        "downloads",
        sa.Column("grant_id", sa.Uuid(), primary_key=True),
        sa.Column("file_id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("benefit_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("downloads", sa.BigInteger(), nullable=False),
        sa.Column("last_downloaded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
    )
    op.create_index("downloads_benefit_idx", "downloads", ["benefit_id", "file_id"])
    op.add_column("entitlements", sa.Column("checkout_id", sa.Uuid(), nullable=True))
