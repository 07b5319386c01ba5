"""The kit's tables, organizations and their access tokens."""

import sqlalchemy as sa
from alembic import op
from servicekit.migrations import create_kit_tables_v1
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_kit_tables_v1(op)
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True)),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("slug", postgresql.CITEXT(), nullable=False),
        sa.Column("email", sa.String()),
        sa.Column("website", sa.String()),
        sa.Column("avatar_url", sa.String()),
        sa.UniqueConstraint("slug", name="organizations_slug_key"),
    )
    op.create_table(
        "organization_access_tokens",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True)),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True)),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True)),
        sa.Column("last_used_at", postgresql.TIMESTAMP(timezone=True)),
        sa.UniqueConstraint("token_hash", name="organization_access_tokens_token_hash_key"),
    )
    op.create_index("organization_access_tokens_organization_id_idx", "organization_access_tokens", ["organization_id"])
