"""Files, custom fields, what is known of meters, prices by seats, units and meters, products that can be deleted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=nullable)


def _record() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        _instant("created_at", nullable=False),
        _instant("modified_at"),
    ]


def _listed(table: str) -> None:
    op.create_index(f"{table}_organization_id_idx", table, ["organization_id"])
    op.create_index(f"{table}_list_idx", table, ["organization_id", sa.text("created_at DESC"), sa.text("id DESC")])


def upgrade() -> None:
    op.create_table(
        "custom_fields",
        *_record(),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("slug", postgresql.CITEXT(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("properties", postgresql.JSONB(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        _instant("deleted_at"),
    )
    _listed("custom_fields")
    op.create_index(
        "custom_fields_slug_key",
        "custom_fields",
        ["organization_id", "slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "files",
        *_record(),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("public_url", sa.String(), nullable=True),
        sa.Column("mime_type", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("checksum_sha256_base64", sa.String(), nullable=True),
        sa.Column("checksum_sha256_hex", sa.String(), nullable=True),
        sa.Column("checksum_etag", sa.String(), nullable=True),
        _instant("last_modified_at"),
        sa.Column("is_uploaded", sa.Boolean(), nullable=False),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        _instant("deleted_at"),
        _instant("removed_at"),
        sa.UniqueConstraint("path", name="files_path_key"),
    )
    _listed("files")
    op.create_index(
        "files_removal_idx",
        "files",
        ["deleted_at"],
        postgresql_where=sa.text("deleted_at IS NOT NULL AND removed_at IS NULL"),
    )
    op.create_index(
        "files_unfinished_idx",
        "files",
        ["created_at"],
        postgresql_where=sa.text("NOT is_uploaded AND deleted_at IS NULL"),
    )
    op.create_table(
        "meters",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
    )
    op.create_index("meters_organization_id_idx", "meters", ["organization_id"])
    for name in ("trial_interval", "meter_interval"):
        op.add_column("products", sa.Column(name, sa.String(), nullable=True))
        op.add_column("products", sa.Column(f"{name}_count", sa.Integer(), nullable=True))
    op.add_column("products", sa.Column("in_use", sa.Boolean(), nullable=False, server_default=sa.text("true")))
    op.add_column("products", _instant("deleted_at"))
    op.add_column(
        "products", sa.Column("media_ids", postgresql.ARRAY(sa.Uuid()), nullable=False, server_default=sa.text("'{}'"))
    )
    op.add_column(
        "products", sa.Column("custom_fields", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'"))
    )
    op.add_column("products", sa.Column("document", sa.Text(), nullable=True))
    op.create_index("products_media_ids_idx", "products", ["media_ids"], postgresql_using="gin")
    op.create_index("products_custom_fields_idx", "products", ["custom_fields"], postgresql_using="gin")
    op.add_column("prices", sa.Column("terms", postgresql.JSONB(none_as_null=True), nullable=True))
