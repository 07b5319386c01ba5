"""Subscriptions without a card get the one that the released version charges for them: their customer's default.

From this release on a subscription is charged to its own card alone. The released version goes on as before: it looks
at this column first.
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

FALLBACK = """
update subscriptions set payment_method_id = customers.default_payment_method_id
from customers
where customers.id = subscriptions.customer_id
  and customers.default_payment_method_id is not null
  and subscriptions.ended_at is null
  and not exists (
    select from payment_methods
    where payment_methods.id = subscriptions.payment_method_id and payment_methods.deleted_at is null
  )
"""


def upgrade() -> None:
    op.execute(FALLBACK)
