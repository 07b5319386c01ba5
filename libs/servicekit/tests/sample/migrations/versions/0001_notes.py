"""The kit's tables and notes."""

from alembic import op
from servicekit.migrations import create_kit_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_kit_tables_v1(op)
    op.execute("""
        create table notes (
            id uuid primary key, organization_id uuid not null, created_at timestamptz not null,
            modified_at timestamptz, text varchar not null, size integer not null, metadata jsonb not null
        )
    """)
    op.execute("create table copies (id uuid primary key, organization_id uuid, sequence bigint, name varchar)")
