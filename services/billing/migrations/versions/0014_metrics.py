"""Metrics: what each subscription was worth and since when, the checkouts heard of, dashboards, and their indexes.

The phases of a subscription are written by a trigger, so that no way of changing a subscription can forget them.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

NEW_ID: Any = sa.text("gen_random_uuid()")
FALSE: Any = sa.text("false")
INSTANT: Any = sa.DateTime(timezone=True)

INDEXES: tuple[tuple[str, str, list[str], str, list[str]], ...] = (
    (
        "orders_paid_idx",
        "orders",
        ["paid_at"],
        "paid_at is not null",
        [
            "id", "currency", "billing_reason", "net_amount", "platform_fee_amount", "subscription_id", "product_id",
            "customer_id",
        ],
    ),
    (
        "ledger_transactions_returns_idx",
        "ledger_transactions",
        ["occurred_at"],
        "refund_id is not null or dispute_id is not null",
        [],
    ),
    (
        "subscriptions_canceled_idx",
        "subscriptions",
        ["canceled_at"],
        "canceled_at is not null",
        ["customer_cancellation_reason", "product_id", "customer_id"],
    ),
)  # fmt: skip
"""What metrics read of orders and subscriptions is inside of the index: their rows are wide."""
TERMS = (
    "new.status = 'trialing', not new.cancel_at_period_end, new.customer_id, new.product_id, "
    "subscription_net_amount(new.amount, new.currency, new.discount_data), new.currency, new.recurring_interval, "
    "new.recurring_interval_count, new.seats"
)
COLUMNS = (
    "is_trial, is_committed, customer_id, product_id, net_amount, currency, recurring_interval, "
    "recurring_interval_count, seats"
)
PHASES: tuple[str, ...] = (
    # As pricing.discounts.amount_off: numeric's round takes halves away from zero. A test compares the two.
    """
    create function subscription_net_amount(amount bigint, currency text, discount jsonb) returns bigint
    language sql immutable parallel safe as $$
        select amount - case
            when discount is null or jsonb_typeof(discount) <> 'object' or amount <= 0 then 0
            when discount ->> 'type' = 'percentage'
                then round(amount * coalesce((discount ->> 'basis_points')::numeric, 0) / 10000)::bigint
            else least(coalesce((discount -> 'amounts' ->> currency)::bigint, 0), amount)
        end
    $$
    """,
    f"""
    create function subscription_keep_phase() returns trigger language plpgsql as $$
    declare
        instant timestamptz := coalesce(new.ended_at, new.modified_at, new.started_at);
        present subscription_phases%rowtype;
    begin
        if tg_op = 'INSERT' then
            instant := new.started_at;
        else
            select * into present from subscription_phases where subscription_id = new.id and ends_at is null;
            if present.id is null then
                return null;
            end if;
            instant := greatest(instant, present.starts_at);
            if new.ended_at is null and ({TERMS}) is not distinct from (
                present.is_trial, present.is_committed, present.customer_id, present.product_id, present.net_amount,
                present.currency, present.recurring_interval, present.recurring_interval_count, present.seats
            ) then
                return null;
            end if;
            if new.ended_at is null and present.starts_at = instant then
                update subscription_phases set ({COLUMNS}) = row ({TERMS}) where id = present.id;
                return null;
            end if;
            update subscription_phases set ends_at = instant, is_last = new.ended_at is not null
            where id = present.id;
        end if;
        if tg_op = 'INSERT' or new.ended_at is null then
            insert into subscription_phases
                (organization_id, subscription_id, started_at, starts_at, ends_at, is_last, {COLUMNS})
            values (new.organization_id, new.id, new.started_at, instant,
                    case when new.ended_at is not null then greatest(new.ended_at, instant) end,
                    new.ended_at is not null, {TERMS});
        end if;
        return null;
    end $$
    """,
    """
    create trigger subscriptions_phases after insert or update of
        status, customer_id, product_id, amount, currency, discount_data, recurring_interval,
        recurring_interval_count, seats, cancel_at_period_end, ended_at
    on subscriptions for each row execute function subscription_keep_phase()
    """,
    # What was before this release is taken to have been as it is now, but for its trial.
    """
    insert into subscription_phases (organization_id, subscription_id, started_at, starts_at, ends_at, is_last,
        is_trial, is_committed, customer_id, product_id, net_amount, currency, recurring_interval,
        recurring_interval_count, seats)
    select organization_id, id, started_at, starts_at, until, until is not distinct from ended_at and until is not null,
        is_trial, not cancel_at_period_end, customer_id, product_id,
        subscription_net_amount(amount, currency, discount_data), currency, recurring_interval,
        recurring_interval_count, seats
    from subscriptions cross join lateral (
        select started_at as starts_at, ended_at as until, status = 'trialing' as is_trial
        where trial_end is null or status = 'trialing' or trial_end <= started_at
            or (ended_at is not null and ended_at <= trial_end)
        union all
        select started_at, trial_end, true
        where status <> 'trialing' and trial_end > started_at and (ended_at is null or ended_at > trial_end)
        union all
        select trial_end, ended_at, false
        where status <> 'trialing' and trial_end > started_at and (ended_at is null or ended_at > trial_end)
    ) phase
    """,
)


def upgrade() -> None:
    op.create_table(
        "subscription_phases",
        sa.Column("id", sa.Uuid(), nullable=False, server_default=NEW_ID),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("net_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("recurring_interval", sa.String(), nullable=False),
        sa.Column("recurring_interval_count", sa.Integer(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=True),
        sa.Column("is_trial", sa.Boolean(), nullable=False),
        sa.Column("is_committed", sa.Boolean(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=True),
        sa.Column("is_last", sa.Boolean(), nullable=False, server_default=FALSE),
        sa.PrimaryKeyConstraint("id", name="subscription_phases_pkey"),
        sa.CheckConstraint("ends_at >= starts_at", name="subscription_phases_order_check"),
    )
    op.create_index(
        "subscription_phases_present_key",
        "subscription_phases",
        ["subscription_id"],
        unique=True,
        postgresql_where=sa.text("ends_at is null"),
    )
    op.create_index("subscription_phases_range_idx", "subscription_phases", ["organization_id", "ends_at"])
    for statement in PHASES:
        op.execute(statement)
    op.create_table(
        "checkouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("is_recurring", sa.Boolean(), nullable=False),
        sa.Column("is_succeeded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="checkouts_pkey"),
    )
    op.create_index("checkouts_range_idx", "checkouts", ["organization_id", "created_at"])
    op.create_table(
        "metric_dashboards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("modified_at", INSTANT, nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("metrics", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="metric_dashboards_pkey"),
    )
    op.create_index(
        "metric_dashboards_list_idx",
        "metric_dashboards",
        ["organization_id", sa.text("created_at desc"), sa.text("id desc")],
    )
    with op.get_context().autocommit_block():
        for name, table, columns, where, shown in INDEXES:
            op.create_index(
                name,
                table,
                ["organization_id", *columns],
                postgresql_where=sa.text(where),
                postgresql_include=shown,
                postgresql_concurrently=True,
                if_not_exists=True,
            )
