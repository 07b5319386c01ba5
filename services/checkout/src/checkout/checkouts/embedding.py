"""Which pages may show a checkout in a frame: the origin that the seller named for it, if the seller's list has it."""

from fnmatch import fnmatchcase
from urllib.parse import urlsplit
from uuid import UUID

from servicekit.errors import InvalidInput
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts import queries
from checkout.checkouts.models import Checkout
from checkout.organizations.models import Organization

NONE = "'none'"
"""In the words of `frame-ancestors`."""
_PORTS = {"http": 80, "https": 443}
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")


def origin_of(url: str) -> str | None:
    """Scheme, host and port of an address as a browser writes an origin; None where it has none."""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or not _LETTERS.issuperset(host):
        return None
    is_default = port is None or port == _PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if is_default else f":{port}")


def is_listed(origin: str, hosts: list[str]) -> bool:
    """Whether a list of hosts has an origin's. `*` stands for any letters; a port counts unless it is the scheme's."""
    host = origin.partition("://")[2]
    return any(fnmatchcase(host, pattern) for pattern in hosts)


async def ensure_listed(session: AsyncSession, checkout: Checkout) -> None:
    """Raises `InvalidInput` naming `embed_origin` where the seller has a list of hosts without it."""
    if checkout.embed_origin is None:
        return
    hosts = await _hosts(session, checkout)
    origin = origin_of(checkout.embed_origin)
    if hosts and (origin is None or not is_listed(origin, hosts)):
        raise InvalidInput(("body", "embed_origin"), "The organization's embed_hosts do not have this host")


async def ancestors(session: AsyncSession, client_secret: str) -> str:
    """Who may frame the page of a checkout, in the words of `frame-ancestors`: one origin, or `'none'`.

    The list is looked at once more: a host that the seller took from it since then is not let in.
    """
    checkout = await queries.by_secret(session, client_secret)
    origin = origin_of(checkout.embed_origin or "") if checkout is not None else None
    if checkout is None or origin is None:
        return NONE
    hosts = await _hosts(session, checkout)
    return origin if not hosts or is_listed(origin, hosts) else NONE


async def named_by_visitor(session: AsyncSession, organization_id: UUID, given: str | None) -> str | None:
    """The origin that whoever follows a link may name: one that the seller has listed, since anybody may follow it."""
    organization = await session.get(Organization, organization_id)
    hosts = (organization.data.get("embed_hosts") or []) if organization is not None else []
    origin = origin_of(given or "")
    return origin if origin is not None and is_listed(origin, hosts) else None


async def _hosts(session: AsyncSession, checkout: Checkout) -> list[str]:
    organization = await session.get(Organization, checkout.organization_id)
    return list(organization.data.get("embed_hosts") or []) if organization is not None else []
