"""Who calls: the gateway exchanges the caller's token for a short-lived principal, signed with Ed25519, that a service
verifies offline. Tenant isolation has one home: every query of a caller goes through `owned_by`.
"""

import base64
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, cast
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from sqlalchemy import ColumnElement, and_, false
from starlette.types import Scope

from servicekit import clock
from servicekit.errors import InvalidInput, NotPermitted, Unauthorized

HEADER = "X-Polar-Principal"
HEADER_NAME = HEADER.lower().encode()
AUDIENCE = "polar-services"
LIFETIME = timedelta(seconds=60)
"""Outlives the gateway's cache of the exchange; revocation works through that cache, within its few seconds."""
_CACHED = 4096
_ARRIVED = "servicekit.principal"

MEMBER = "customer_portal:member"
"""The scope of a member of a team who manages no bills. A route that does not name it is closed to them."""

Kind = Literal["organization", "user", "customer"]


@dataclass(frozen=True)
class Principal:
    """An authenticated caller: what it is, whose data it may touch, and its scopes."""

    kind: Kind
    id: UUID
    organization_ids: tuple[UUID, ...]
    scopes: frozenset[str]
    customer_id: UUID | None = None
    is_test: bool = False
    """Whether its organization is in test mode, so that it may have a test clock."""
    member_id: UUID | None = None
    """Of a session that a member of the customer's team has."""
    checkout_id: UUID | None = None
    """Of a customer who has not proven their address: the purchase with which the session came. It holds for that."""

    @property
    def is_plain_member(self) -> bool:
        """Whether it is a member who manages no bills: they see what is theirs, and little of the customer."""
        return MEMBER in self.scopes

    @property
    def owner(self) -> str:
        """The name under which this caller's idempotency keys are kept: its organization's, or its own."""
        return str(self.organization_ids[0]) if self.kind == "organization" else f"{self.kind}:{self.id}"

    def organization(self, given: UUID | None = None) -> UUID:
        """The organization that a write is for. A token of one organization need not name it (Polar's rule).

        Raises `InvalidInput` when another one is named, or when a user with several must name one and did not.
        """
        loc = ("body", "organization_id")
        if given is None:
            if len(self.organization_ids) != 1:
                raise InvalidInput(loc, "Field required", "missing")
            return self.organization_ids[0]
        if given not in self.organization_ids:
            kind = "organization_token" if self.kind == "organization" else "value_error"
            raise InvalidInput(loc, "is not an organization of this token", kind)
        return given


def owned_by(principal: Principal, model: Any) -> ColumnElement[bool]:
    """The condition that keeps a query inside what the caller owns; a customer sees only what is theirs.

    A plain member sees rows with their `member_id`, and all of the customer's rows only where the model says
    `is_shown_to_members`.
    """
    if len(principal.organization_ids) == 1:
        inside = model.organization_id == principal.organization_ids[0]
    else:
        inside = model.organization_id.in_(principal.organization_ids)
    if principal.kind == "customer":
        own = and_(inside, model.customer_id == principal.customer_id)
        if not principal.is_plain_member or getattr(model, "is_shown_to_members", False):
            return own
        return and_(own, model.member_id == principal.member_id) if hasattr(model, "member_id") else false()
    return cast(ColumnElement[bool], inside)


def sign(principal: Principal, private_key: str) -> str:
    """The header value for a principal. `private_key` is the base64 of the 32-byte Ed25519 seed."""
    claims = {
        "aud": AUDIENCE,
        "sub": str(principal.id),
        "kind": principal.kind,
        "org": [str(organization) for organization in principal.organization_ids],
        "cus": str(principal.customer_id) if principal.customer_id else None,
        "mem": str(principal.member_id) if principal.member_id else None,
        "scope": " ".join(sorted(principal.scopes)),
        "test": principal.is_test,
        "buy": str(principal.checkout_id) if principal.checkout_id else None,
        "exp": int((clock.wall() + LIFETIME).timestamp()),
    }
    return jwt.encode(claims, Ed25519PrivateKey.from_private_bytes(base64.b64decode(private_key)), algorithm="EdDSA")


class Verifier:
    """Verifies principals against identity's public key, and remembers the verified ones until they expire."""

    def __init__(self, public_key: str) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        self._verified: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    def verify(self, token: str) -> Principal:
        """Raises `Unauthorized` when the header was not signed by identity or has expired."""
        now = clock.wall().timestamp()
        known = self._verified.get(token)
        if known is not None and known[1] > now:
            return known[0]
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                options={"require": ["exp", "sub"], "verify_exp": False},
            )
        except (jwt.PyJWTError, ValueError):
            raise Unauthorized("the principal is not valid") from None
        if claims["exp"] <= now:
            raise Unauthorized("the principal has expired")
        principal = Principal(
            kind=claims["kind"],
            id=UUID(claims["sub"]),
            organization_ids=tuple(UUID(organization) for organization in claims["org"]),
            scopes=frozenset(claims["scope"].split()),
            customer_id=UUID(claims["cus"]) if claims.get("cus") else None,
            is_test=bool(claims.get("test")),
            member_id=UUID(claims["mem"]) if claims.get("mem") else None,
            checkout_id=UUID(claims["buy"]) if claims.get("buy") else None,
        )
        self._verified[token] = (principal, claims["exp"])
        if len(self._verified) > _CACHED:
            self._verified.popitem(last=False)
        return principal


def verify_on_arrival(scope: Scope, header: str) -> None:
    """Verifies the caller when the request arrives: one that then waits is not refused because it waited."""
    verifier = getattr(scope["app"].state, "verifier", None) if "app" in scope else None
    if verifier is not None:
        with suppress(Unauthorized):  # the route refuses it, or needs nobody
            scope[_ARRIVED] = verifier.verify(header)


def principal_of(request: Request) -> Principal | None:
    """The verified caller of a request; None without the gateway's header. Raises `Unauthorized` for a forged one."""
    arrived: Principal | None = request.scope.get(_ARRIVED)
    if arrived is not None:
        return arrived
    header = request.headers.get(HEADER)
    if not header:
        return None
    verifier = cast(Verifier, request.app.state.verifier)
    return verifier.verify(header)


_bearer = HTTPBearer(auto_error=False, scheme_name="access_token", description="An access token of an organization.")


def allow(*scopes: str, kind: Kind | None = None) -> Any:
    """The dependency of a route: the caller, who must hold any one of `scopes`, and be of the `kind` if one is given.

    Raises `Unauthorized` without a token and `NotPermitted` without a scope or for a caller of another kind.
    """

    def authorize(request: Request) -> Principal:
        caller = principal_of(request)
        if caller is None:
            raise Unauthorized("an access token is required: Authorization: Bearer <token>")
        if kind is not None and caller.kind != kind:
            raise NotPermitted(f"this is for a {kind} session")
        if caller.scopes.isdisjoint(scopes):
            raise NotPermitted(f"the token needs one of the scopes {_spoken(scopes)}")
        return caller

    async def principal(request: Request, _: Any = Depends(_bearer)) -> Principal:
        return authorize(request)

    principal.scopes = scopes  # type: ignore[attr-defined]
    principal.authorize = authorize  # type: ignore[attr-defined]
    return Depends(principal)


def _spoken(scopes: Iterable[str]) -> str:
    return " or ".join(scopes)
