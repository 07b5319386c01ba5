"""Whose request it is, by network address: what limits on strangers are counted by."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Request

SITE = 64
"""Bits of an IPv6 address that one connection is given; it may choose all the others."""
HOLDING = 48
"""Bits of the largest IPv6 network that one customer of a provider is usually given (RFC 6177)."""


def counted(given: str | None, bits: int = SITE) -> str | None:
    """An address as limits count it: IPv4 whole, IPv6 by its first `bits`.

    None for what names nobody: no address at all, and one that is not public. The gateway sees such a one where a proxy
    stands in front of it that it was not told to trust: all of the world would be counted as one.
    """
    try:
        address = ip_address((given or "").strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if not address.is_global:
        return None
    if isinstance(address, IPv6Address):
        return str(ip_network((address.packed, bits), strict=False))
    return str(address)


async def address_of(request: Request) -> str | None:
    """The client's address. The gateway overwrites the header, so that a client cannot send its own."""
    return request.headers.get("x-forwarded-for")


AddressOf = Annotated[str | None, Depends(address_of)]
"""The client's address as the gateway saw it, for a route that counts by it; see `counted`."""
