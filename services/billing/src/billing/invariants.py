"""What must always be true of billing's data."""

from servicekit.invariants import Invariant

INVARIANTS = (
    Invariant(
        "the ledger's rules are in force",
        "select rule from unnest(cast('{ledger_transactions_append_only, ledger_transactions_balance, "
        "ledger_transactions_marked, ledger_transactions_not_emptied, ledger_entries_append_only, "
        "ledger_entries_balance, ledger_entries_not_emptied, ledger_entries_same_transaction}' as text[])) rule "
        "where not exists (select from pg_trigger where tgname = rule and tgenabled in ('O', 'A'))",
    ),
    Invariant(
        "ledger transactions balance",
        "select transaction_id, currency from ledger_entries group by transaction_id, currency having sum(amount) <> 0",
    ),
    Invariant(
        "a settled order that was due has exactly one payment of what was due",
        "select o.id from orders o where o.status in ('paid', 'partially_refunded', 'refunded') "
        "and o.total_amount + o.applied_balance_amount > 0 and 1 <> (select count(*) from payments p "
        "where p.order_id = o.id and p.status = 'succeeded' "
        "and p.amount = o.total_amount + o.applied_balance_amount and p.currency = o.currency)",
    ),
    Invariant(
        "balances of customers are the sums of their entries",
        "select b.customer_id, b.currency from customer_balances b where b.amount <> coalesce((select sum(e.amount) "
        "from customer_balance_entries e where e.customer_id = b.customer_id and e.currency = b.currency), 0)",
    ),
    Invariant(
        "every payment stands in the ledger with its amount",
        "select p.id from payments p where p.status = 'succeeded' and p.amount <> coalesce("
        "(select sum(e.amount) from ledger_entries e join ledger_transactions t on t.id = e.transaction_id "
        "where t.payment_id = p.id and t.kind = 'payment' and e.account = 'processor'), 0)",
    ),
    Invariant(
        "money that came twice stands in the ledger, until it was given back",
        "select p.id from payments p where p.status in ('duplicate', 'refunded') "
        "and case p.status when 'duplicate' then p.amount else 0 end <> coalesce("
        "(select sum(e.amount) from ledger_entries e join ledger_transactions t on t.id = e.transaction_id "
        "where t.payment_id = p.id and t.kind in ('payment', 'return', 'return_reversal') "
        "and e.account = 'processor'), 0)",
    ),
    Invariant(
        "no more is refunded than was paid",
        "select p.id from payments p join refunds r on r.payment_id = p.id and r.status in ('pending', 'succeeded') "
        "group by p.id having sum(r.amount + r.tax_amount) > p.amount",
    ),
    Invariant(
        "what was refunded of an order is the sum of its refunds",
        "select o.id from orders o full join (select order_id, sum(amount) as net, sum(tax_amount) as tax from refunds "
        "where status in ('pending', 'succeeded') group by 1) given on given.order_id = o.id "
        "where (o.refunded_amount, o.refunded_tax_amount) is distinct from "
        "(coalesce(given.net, 0)::bigint, coalesce(given.tax, 0)::bigint)",
    ),
    Invariant(
        "invoice numbers of a customer have no gaps",
        "select c.id from customers c where c.invoices_count <> "
        "(select count(*) from orders o where o.customer_id = c.id "
        "and o.invoice_number like '%' || c.invoice_prefix || '-%')",
    ),
    Invariant(
        "invoice numbers of an organization have no gaps",
        "select i.organization_id from invoice_counters i where i.count <> (select count(*) from orders o "
        "where o.organization_id = i.organization_id and o.invoice_number ~ ('^' || i.prefix || '-[0-9]+$'))",
    ),
    Invariant(
        "the present phase of a subscription says what it is worth",
        "select s.id from subscriptions s left join subscription_phases p on p.subscription_id = s.id "
        "and p.ends_at is null where case when s.ended_at is not null then p.id is not null else "
        "(p.net_amount, p.currency, p.is_trial, p.is_committed) is distinct from "
        "(subscription_net_amount(s.amount, s.currency, s.discount_data), s.currency, s.status = 'trialing', "
        "not s.cancel_at_period_end) end",
    ),
    Invariant(
        "canceled subscriptions end with their period",
        "select id from subscriptions where cancel_at_period_end and ended_at is null "
        "and current_period_end < cast(:now as timestamptz) - interval '10 minutes'",
    ),
    Invariant(
        "nothing waits for an order of a subscription that is over",
        "select e.id from billing_entries e join subscriptions s on s.id = e.subscription_id "
        "where e.order_id is null and e.dropped_at is null and s.ended_at is not null",
    ),
    Invariant(
        "no more is refunded and credited of an order than its total",
        "select id from orders where credited_amount > 0 and status in ('paid', 'partially_refunded', 'refunded') "
        "and refunded_amount + refunded_tax_amount + credited_amount + credited_tax_amount > greatest(total_amount, "
        "(select coalesce(sum(i.amount - i.discount_amount + i.tax_amount), 0) from order_items i "
        "where i.order_id = orders.id and i.amount > 0))",
    ),
    Invariant(
        "no more is refunded, disputed and credited of an order than it billed",
        # Credit that was spent before the dispute was lost is the merchant's loss: `unrecovered_amount`. A payment may
        # have collected a debt along with the order, which the bank takes, too.
        "select o.id from orders o join (select order_id, sum(amount + tax_amount - recovered_amount "
        "- recovered_tax_amount - unrecovered_amount) as lost from disputes "
        "where unrecovered_amount is not null group by 1) d on d.order_id = o.id "
        "where o.credited_amount > 0 and o.refunded_amount + o.refunded_tax_amount + o.credited_amount "
        "+ o.credited_tax_amount + d.lost "
        "> greatest(0, least(o.applied_balance_amount, o.total_amount + o.applied_balance_amount)) "
        "+ greatest(o.total_amount, (select coalesce(sum(i.amount - i.discount_amount "
        "+ case when o.tax_behavior = 'inclusive' then 0 else i.tax_amount end), 0) from order_items i "
        "where i.order_id = o.id and i.amount > 0))",
    ),
    Invariant(
        "a subscription in dunning has an order that is not paid, and an active one has none",
        "select s.id from subscriptions s where s.status in ('active', 'past_due') and (s.status = 'past_due') <> "
        "exists (select from orders o where o.subscription_id = s.id and o.status = 'pending' "
        "and o.payment_deadline is not null)",
    ),
    Invariant(
        "a subscription that waits for a change to be paid has that change, and its order is being paid",
        "select s.id from subscriptions s where s.open_change_id is not null and not exists (select from "
        "subscription_changes c join orders o on o.id = c.order_id where c.id = s.open_change_id "
        "and c.subscription_id = s.id and c.status = 'open' and o.status = 'pending')",
    ),
    Invariant(
        "every charge belongs to an agreement",
        # Of a subscription: one of its cards. Else: the customer's act, or the seller's, which no timer does.
        "select p.id, p.order_id, p.agreement from payments p left join orders o on o.id = p.order_id "
        "left join payment_methods m on m.id = p.payment_method_id "
        "where p.agreement is not null and p.payment_method_id is not null and (m.id is null "
        "or m.customer_id <> p.customer_id or m.processor_id <> p.processor_payment_method_id "
        "or (p.agreement = 'subscription' and not exists (select from subscription_cards a "
        "where a.subscription_id = o.subscription_id and a.payment_method_id = p.payment_method_id) "
        "and exists (select from subscription_cards a where a.subscription_id = o.subscription_id)) "
        "or p.agreement <> 'subscription' "
        "and p.trigger in ('subscription_cycle', 'retry_dunning', 'retry_payment_method_update'))",
    ),
    Invariant(
        "the card of a subscription is the one that was last agreed to for it",
        "select s.id, s.payment_method_id from subscriptions s join lateral (select a.payment_method_id "
        "from subscription_cards a where a.subscription_id = s.id order by a.position desc limit 1) "
        "agreed on true where s.ended_at is null and s.payment_method_id is distinct from agreed.payment_method_id",
    ),
    Invariant(
        "an active subscription that costs something has an order for its present period",
        "select s.id from subscriptions s where s.status = 'active' "
        "and subscription_net_amount(s.amount, s.currency, s.period_discount_data) > 0 "
        "and not exists (select from orders o join order_items i on i.order_id = o.id "
        "where o.subscription_id = s.id and o.status in ('pending', 'paid', 'partially_refunded', 'refunded') "
        "and coalesce(i.start_timestamp, o.period_start, o.created_at) >= s.current_period_start)",
    ),
    Invariant(
        "benefits are held for what is paid, in its trial, or in its grace period",
        # By the machine's time: a test clock may be far from it. An hour is left for what is taken at other systems.
        "select g.id, g.subscription_id, g.order_id from benefit_grants g where g.is_granted "
        "and coalesce(g.subscription_id, g.order_id) is not null "
        "and not exists (select from clocks c where c.organization_id = g.organization_id and not c.is_deleted) "
        "and not exists (select from subscriptions s left join organizations r on r.id = s.organization_id "
        "where s.id = g.subscription_id and (s.status in ('active', 'trialing') "
        "or s.modified_at > cast(:now as timestamptz) - interval '1 hour' "
        "or (s.status = 'past_due' and s.past_due_at > cast(:now as timestamptz) - interval '1 hour' "
        "- interval '1 day' * coalesce("
        "(r.data -> 'subscription_settings' ->> 'benefit_revocation_grace_period')::int, 0)))) "
        "and not exists (select from orders o where o.id = g.order_id and g.subscription_id is null "
        "and o.status in ('paid', 'partially_refunded', 'refunded') and (o.benefits_revoked_at is null "
        "or o.benefits_revoked_at > cast(:now as timestamptz) - interval '1 hour'))",
    ),
    Invariant(
        "what a subscription shows as pending is scheduled",
        "select s.id from subscriptions s where s.pending_update is not null and not exists (select from "
        "subscription_changes c where c.subscription_id = s.id and c.status = 'scheduled' "
        "and c.id::text = s.pending_update ->> 'id')",
    ),
)
