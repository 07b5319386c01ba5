"""Grants at other systems, customers' accounts there, grace periods, and signed license keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
INSTANT: sa.types.TypeEngine = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    for name in ("past_due_at", "revoke_at", "period_start", "period_end"):
        op.add_column("entitlements", sa.Column(name, INSTANT, nullable=True))
    op.create_index(
        "entitlements_revoke_idx", "entitlements", ["revoke_at"], postgresql_where=sa.text("revoke_at is not null")
    )
    for name in ("failed_at", "due_at", "in_hand_until"):
        op.add_column("benefit_grants", sa.Column(name, INSTANT, nullable=True))
    op.add_column("benefit_grants", sa.Column("error", postgresql.JSONB(), nullable=True))
    # What was written before, or is by the release before this one, was told of.
    told = sa.Column("is_told", sa.Boolean(), nullable=False, server_default=sa.text("true"))
    op.add_column("benefit_grants", told)
    op.add_column("benefit_grants", sa.Column("work", sa.String(), nullable=True))
    op.add_column("benefit_grants", sa.Column("account", sa.String(), nullable=True))
    for name, kind in (("attempts", sa.Integer()), ("urgency", sa.SmallInteger()), ("version", sa.Integer())):
        op.add_column("benefit_grants", sa.Column(name, kind, nullable=False, server_default=sa.text("0")))
    op.create_index(
        "benefit_grants_due_idx",
        "benefit_grants",
        ["organization_id", "urgency", "due_at"],
        postgresql_where=sa.text("due_at is not null"),
    )
    op.create_index(
        "benefit_grants_taking_idx",
        "benefit_grants",
        ["entitlement_id"],
        postgresql_where=sa.text("work = 'take'"),
    )
    op.create_index("benefit_grants_change_idx", "benefit_grants", ["benefit_id", "id"])
    op.create_table(
        "benefit_changes",
        sa.Column("benefit_id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("done_to", sa.Uuid(), nullable=True),
        sa.Column("worked_at", INSTANT, nullable=False),
    )
    op.create_index("benefit_changes_turn_idx", "benefit_changes", ["worked_at"])
    op.add_column(
        "license_keys", sa.Column("own", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'::jsonb"))
    )
    op.create_table(
        "oauth_accounts",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("modified_at", INSTANT, nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("encrypted_access_token", sa.LargeBinary(), nullable=True),
        sa.Column("encrypted_refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
    )
    op.create_index("oauth_accounts_organization_id_idx", "oauth_accounts", ["organization_id"])
    op.create_index(
        "oauth_accounts_account_key", "oauth_accounts", ["customer_id", "platform", "account_id"], unique=True
    )
    op.create_table(
        "oauth_logins",
        sa.Column("state_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("encrypted_verifier", sa.LargeBinary(), nullable=False),
        sa.Column("return_to", sa.String(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
    )
    op.create_index("oauth_logins_expires_idx", "oauth_logins", ["expires_at"])
    op.create_table(
        "signing_keys",
        sa.Column("organization_id", sa.Uuid(), primary_key=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("encrypted_private_key", sa.LargeBinary(), nullable=False),
    )
