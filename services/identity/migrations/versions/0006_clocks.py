"""Test clocks: organizations in test mode, their clocks, and what the services answer to them."""

import sqlalchemy as sa
from alembic import op
from servicekit.migrations import upgrade_kit_tables_v3
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_kit_tables_v3(op)
    op.add_column("organizations", sa.Column("is_test", sa.Boolean(), server_default="false", nullable=False))
    instant = postgresql.TIMESTAMP(timezone=True)
    op.create_table(
        "test_clocks",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("modified_at", instant),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("frozen_time", instant, nullable=False),
        sa.Column("present_time", instant, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("seen", postgresql.JSONB(), nullable=False),
        sa.Column("ask_at", instant),
        sa.Column("deleted_at", instant),
    )
    op.create_index("test_clocks_organization_id_idx", "test_clocks", ["organization_id"])
    op.create_index(
        "test_clocks_live_key", "test_clocks", ["organization_id"], unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )  # fmt: skip
    listed = ["organization_id", sa.text("created_at desc"), sa.text("id desc")]
    op.create_index("test_clocks_list_idx", "test_clocks", listed)
    op.create_index("test_clocks_ask_idx", "test_clocks", ["ask_at"], postgresql_where=sa.text("ask_at is not null"))
    op.create_table(
        "test_clock_reports",
        sa.Column("clock_id", sa.Uuid(), sa.ForeignKey("test_clocks.id"), primary_key=True),
        sa.Column("service", sa.String(), primary_key=True),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("recorded", postgresql.JSONB(), nullable=False),
        sa.Column("unhandled", postgresql.JSONB(), nullable=False),
        sa.Column("next_due_at", instant),
    )
