"""What is compared. A check is a query for differences: `subject`, `what`, what was `expected`, and what was `found`.

They share no code with what wrote the rows, so that one mistake does not hide itself. `:ids` are those of the batch at
hand, `:organization` is the one that is looked at, or null for all.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One comparison. `look` says where to look on when it fails; `{}` in it is the subject."""

    name: str
    differing: str
    look: str


PAID = "('paid', 'partially_refunded', 'refunded')"
UNEQUAL = "compared.expected is distinct from compared.found"
MINE = "(cast(:organization as uuid) is null or {0}.organization_id = cast(:organization as uuid))"


def values(rows: str) -> str:
    """Rows of `(what, expected, found)` beside each row that is looked at."""
    return f"cross join lateral (values {rows}) as compared (what, expected, found)"
