"""Login codes, and the mail that brings them."""

import sqlalchemy as sa
from alembic import op
from servicekit.mail import create_mail_table
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_mail_table(op)
    op.create_table(
        "login_codes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.UniqueConstraint("customer_id", name="login_codes_customer_id_key"),
    )
    op.create_index("login_codes_organization_id_idx", "login_codes", ["organization_id"])
    op.create_index("customers_email_idx", "customers", ["organization_id", sa.text("lower(data ->> 'email')")])
