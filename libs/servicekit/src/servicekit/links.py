"""Links that work without a token for a while: the path and its end are signed with the suite's secret."""

import hashlib
import hmac
import re
from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Query

from servicekit import clock
from servicekit.errors import NotPermitted

Expires = Annotated[int, Query(ge=0, le=2**53, description="Seconds since 1970 (UTC).")]
Signature = Annotated[str, Query(max_length=64)]


def signed(secret: str, path: str, lifetime: timedelta) -> str:
    """`path` with the query that makes it work until `lifetime` from now."""
    expires = int((clock.wall() + lifetime).timestamp())
    return f"{path}?expires={expires}&signature={_signature(secret, path, expires)}"


def verify(secret: str, path: str, expires: int, signature: str) -> None:
    """Raises `NotPermitted` for a link that has expired, or that was not made by the suite."""
    if not hmac.compare_digest(_signature(secret, path, expires).encode(), signature.encode()):
        raise NotPermitted("This link is not valid")
    if expires < clock.wall().timestamp():
        raise NotPermitted("This link has expired")


def verify_query(secret: str, path: str, query: bytes) -> None:
    """`verify` with the raw query of a request, before its body is read. Raises `NotPermitted`."""
    fields = dict(parse_qsl(query.decode("latin-1")))
    expires = fields.get("expires", "")
    if not re.fullmatch(r"[0-9]{1,16}", expires):
        raise NotPermitted("This link is not valid")
    verify(secret, path, int(expires), fields.get("signature", ""))


def _signature(secret: str, path: str, expires: int) -> str:
    return hmac.new(secret.encode(), f"link:{path}:{expires}".encode(), hashlib.sha256).hexdigest()
