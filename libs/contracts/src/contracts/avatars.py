"""The pictures of customers: an address of the suite's own, so that no other host learns of them.

The gateway draws each from the id alone: a picture tells nothing about a customer, and not whether one exists.
"""

from uuid import UUID

_base: str | None = None


def use(public_url: str) -> None:
    """Names the address below which this process says that pictures are."""
    global _base
    _base = public_url.rstrip("/")


def url_of(customer_id: UUID) -> str | None:
    """The address of a customer's picture; None in a process that names no address."""
    return f"{_base}/v1/avatars/{customer_id}.svg" if _base is not None else None
