"""The kit's tables, usage events and their tallies, meters, and what is known of customers."""

import sqlalchemy as sa
from alembic import op
from servicekit.migrations import create_kit_tables_v1, upgrade_kit_tables_v2
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=nullable)


def upgrade() -> None:
    create_kit_tables_v1(op)
    upgrade_kit_tables_v2(op)
    op.create_table(
        "customers",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
    )
    op.create_index("customers_organization_id_idx", "customers", ["organization_id"])
    op.create_index("customers_external_id_idx", "customers", ["organization_id", "external_id"])
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        _instant("timestamp"),
        _instant("ingested_at"),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("external_customer_id", sa.String(), nullable=True),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("external_member_id", sa.String(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
    )
    latest = sa.text('"timestamp" DESC')
    op.create_index("events_list_idx", "events", ["organization_id", latest, sa.text("id DESC")])
    op.create_index("events_name_idx", "events", ["organization_id", "name", latest])
    for name in ("customer", "external_customer"):
        op.create_index(
            f"events_{name}_idx",
            "events",
            ["organization_id", f"{name}_id", latest],
            postgresql_where=sa.text(f"{name}_id IS NOT NULL"),
        )
    op.create_index("events_parent_idx", "events", ["parent_id"], postgresql_where=sa.text("parent_id IS NOT NULL"))
    op.create_index(
        "events_external_id_key",
        "events",
        ["organization_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_table(
        "event_types",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        _instant("created_at"),
        _instant("modified_at", nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("label_property_selector", sa.String(), nullable=True),
    )
    op.create_index("event_types_organization_id_idx", "event_types", ["organization_id"])
    op.create_index("event_types_name_key", "event_types", ["organization_id", "name"], unique=True)
    op.create_table(
        "event_tallies",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("occurrences", sa.BigInteger(), nullable=False),
        _instant("first_seen"),
        _instant("last_seen"),
    )
    op.create_index("event_tallies_name_idx", "event_tallies", ["organization_id", "name"])
    op.create_table(
        "meters",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        _instant("created_at"),
        _instant("modified_at", nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("custom_label", sa.String(), nullable=True),
        sa.Column("custom_multiplier", sa.Integer(), nullable=True),
        sa.Column("filter", postgresql.JSONB(), nullable=False),
        sa.Column("aggregation", postgresql.JSONB(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        _instant("archived_at", nullable=True),
    )
    op.create_index("meters_organization_id_idx", "meters", ["organization_id"])
    op.create_index("meters_list_idx", "meters", ["organization_id", sa.text("created_at DESC"), sa.text("id DESC")])
