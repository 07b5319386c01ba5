"""Which addresses may be called: what keeps a merchant's endpoint from reaching into the suite's own network.

The same rules hold when an endpoint is created, changed or enabled and again at each delivery, where the connection is
made to the very addresses that were checked.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

RESOLVE_SECONDS = 3.0
_INNER_NAMES = (".localhost", ".local", ".internal", ".intranet", ".home.arpa", ".localdomain")
_CLOSED = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
"""IANA's special-purpose registry: loopback, private, link-local (the clouds' metadata), CGNAT, multicast, reserved."""
_OPEN = IPv6Network("2000::/3")
"""The only global unicast addresses that are given out; within them some still lead elsewhere."""
_CLOSED_6 = tuple(
    IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)  # fmt: skip
"""Teredo and 6to4, which carry an IPv4 address, documentation, and protocol assignments. NAT64 (64:ff9b::/96) and
mapped addresses (::ffff:0:0/96) are outside of `_OPEN` already."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is one that anybody on the internet can have; what is no address is not."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _CLOSED)
    return _is_public_6(parsed)


def _is_public_6(address: IPv6Address) -> bool:
    return address in _OPEN and not any(address in network for network in _CLOSED_6)


def objection(url: str, ports: Sequence[int]) -> str | None:
    """What speaks against calling an address, as far as its text says; None when nothing does. Asks nobody."""
    try:
        parsed = URL(url)
        host, port = parsed.raw_host or "", parsed.port
    except ValueError:
        return "is not an address"
    if parsed.scheme != "https":
        return "must be https"
    if parsed.user is not None or parsed.password is not None:
        return "must not carry a user or a password"
    if port not in ports:
        return f"must be on port {' or '.join(str(number) for number in ports)}"
    name = host.rstrip(".").lower()
    if ":" in name:
        return None if is_public(name) else "must be a public address"
    labels = name.split(".")
    if _is_number(labels[-1]):
        # As browsers and inet_aton read it: 2130706433, 0x7f.1 and 017700000001 are 127.0.0.1.
        return None if is_public(name) else "must be a public address"
    if len(labels) < 2 or name.endswith(_INNER_NAMES):
        return "must be a public address"
    return None


def _is_number(label: str) -> bool:
    return label.isdecimal() or (label.startswith("0x") and all(digit in "0123456789abcdef" for digit in label[2:]))


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, by the system's resolver. Raises `OSError` when there are none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def check(url: str, ports: Sequence[int], resolver: Resolve = resolve) -> str | None:
    """What speaks against an address, its name's present addresses included; None when nothing does.

    A name that is not known yet is let through: it is looked up again, and checked again, at each delivery.
    """
    refused = objection(url, ports)
    parsed = URL(url) if refused is None else None
    if parsed is None or is_public(parsed.raw_host or ""):
        return refused
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await resolver(parsed.raw_host or "", parsed.port or 443)
    except (OSError, TimeoutError, UnicodeError):
        return None
    return None if all(is_public(address) for address in found) else "must be a public address"


class PublicResolver(AbstractResolver):
    """Resolves names for the pool of connections: a name of which any address is not public is not called at all.

    The pool connects to the addresses that are returned here and asks no second time, so that a name cannot change
    between the check and the connection (DNS rebinding); TLS and `Host` still speak of the name.
    """

    def __init__(self, inner: AbstractResolver | None = None, public: Callable[[str], bool] = is_public) -> None:
        self._inner = inner or ThreadedResolver()
        self._public = public

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Raises `OSError` when an address is not public, or when there is none."""
        found = await self._inner.resolve(host, port, family)
        if not found or not all(self._public(entry["host"]) for entry in found):
            raise OSError("the name does not resolve to public addresses alone")
        return found

    async def close(self) -> None:
        """Closes the resolver inside."""
        await self._inner.close()
