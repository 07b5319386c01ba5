"""Record who agreed that a card pays for a subscription; let SQL round discounts to the currency's step.

`subscription_cards` has the card of each subscription that goes on, or still owes. What is known of those that
an earlier release wrote:

- the checkout's payment used the card, or the card was kept when the subscription was written: it is that of the
  checkout; `own_checkout` where the customer was written with it, else `checkout`;
- a new default was asked for what was past due with it: the customer chose it (`customer`);
- the subscription came from no checkout: the seller gave it (`seller`);
- else nobody knows: `earlier_release`. So are cards that took the place of removed ones, and defaults that migration
  0023 gave. `./polar leftovers` lists those of checkouts.

A subscription that the released version begins beside this one has no row, and its charges are not judged; the same
holds for payments without `agreement`, and for grants without the reason for which they were made.
"""

import sqlalchemy as sa
from alembic import op
from servicekit import clock

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

NET_AMOUNT = """
    create or replace function subscription_net_amount(amount bigint, currency text, discount jsonb) returns bigint
    language sql immutable parallel safe as $$
        select amount - case
            when discount is null or jsonb_typeof(discount) <> 'object' or amount <= 0 then 0
            when discount ->> 'type' = 'percentage' then (
                select least(
                    round(amount * coalesce((discount ->> 'basis_points')::numeric, 0) / (10000 * step))::bigint * step,
                    amount
                ) from (select case
                    when currency in ('isk', 'ugx') then 100
                    when currency in ('bhd', 'jod', 'kwd', 'omr', 'tnd') then 10 else 1
                end as step) steps
            )
            else least(coalesce((discount -> 'amounts' ->> currency)::bigint, 0), amount)
        end
    $$
"""
"""As pricing.discounts.amount_off; a test compares the two."""
PHASES = """
    update subscription_phases p set net_amount = subscription_net_amount(s.amount, s.currency, s.discount_data)
    from subscriptions s
    where s.id = p.subscription_id and p.ends_at is null
      and s.currency in ('isk', 'ugx', 'bhd', 'jod', 'kwd', 'omr', 'tnd')
      and p.net_amount <> subscription_net_amount(s.amount, s.currency, s.discount_data)
"""
WAITING = """
    update payments set due_at = cast(:now as timestamptz) + interval '1 day'
    where status = 'duplicate' and due_at > cast(:now as timestamptz) + interval '1 day'
"""
"""Returns waited by the clock of their organization; they go by the machine's now, and a day is the longest wait."""
CARDS = """
    insert into subscription_cards (id, organization_id, created_at, subscription_id, payment_method_id, agreed_by)
    select gen_random_uuid(), s.organization_id, :now, s.id, s.payment_method_id, case
        when exists (
            select from payments p join orders o on o.id = p.order_id
            where o.subscription_id = s.id and p.payment_method_id = s.payment_method_id
              and p.trigger = 'retry_payment_method_update'
        ) then 'customer'
        when s.checkout_id is null then 'seller'
        when s.payment_method_id is not null and not exists (
            select from payments p where p.checkout_id = s.checkout_id and p.payment_method_id = s.payment_method_id
        ) and not exists (
            select from payment_methods m where m.id = s.payment_method_id
              and m.created_at between s.created_at - interval '1 second' and s.created_at + interval '1 second'
        ) then 'earlier_release'
        when exists (
            select from customers c where c.id = s.customer_id
              and c.created_at between s.created_at - interval '1 second' and s.created_at + interval '1 second'
        ) then 'own_checkout'
        else 'checkout'
    end
    from subscriptions s
    where (
        s.ended_at is null
        or exists (select from orders o where o.subscription_id = s.id and o.status = 'pending')
    ) and not exists (select from subscription_cards known where known.subscription_id = s.id)
"""


def upgrade() -> None:
    op.create_table(
        "subscription_cards",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("modified_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=True),
        sa.Column("agreed_by", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(), nullable=False),
    )
    op.create_index("subscription_cards_subscription_idx", "subscription_cards", ["subscription_id", "position"])
    op.create_index("subscription_cards_method_idx", "subscription_cards", ["payment_method_id"])
    op.add_column("payments", sa.Column("agreement", sa.Text()))
    op.add_column("payments", sa.Column("ask_at", sa.TIMESTAMP(timezone=True)))
    op.execute(sa.text(WAITING).bindparams(now=clock.wall()))
    for name in ("subscription_id", "order_id"):
        op.add_column("benefit_grants", sa.Column(name, sa.Uuid()))
    op.execute(NET_AMOUNT)
    op.execute(PHASES)
    op.execute(sa.text(CARDS).bindparams(now=clock.wall()))
    with op.get_context().autocommit_block():
        op.create_index(
            "payments_ask_idx",
            "payments",
            ["ask_at"],
            postgresql_where=sa.text("ask_at is not null"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
