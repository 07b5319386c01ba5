"""What a type of benefit does: inside our own database, or at another system."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit
from benefits.strategies.tokens import Tokens


class Gift(NamedTuple):
    """A grant with what it gives and why."""

    grant: BenefitGrant
    benefit: Benefit
    entitlement: Entitlement


class Strategy(Protocol):
    """A type that is given in our own database alone: a grant is complete when its transaction is.

    Each verb is for one grant or for hundreds, with as many statements; it returns the new properties of each, in
    order, and may be repeated.
    """

    async def give(self, session: AsyncSession, gifts: Sequence[Gift]) -> list[dict[str, Any]]:
        """Gives the benefit to each grant's customer, or has what they hold follow the benefit and the entitlement."""
        ...

    async def take(self, session: AsyncSession, grants: Sequence[BenefitGrant]) -> list[dict[str, Any]]:
        """Takes it away."""
        ...

    async def cycle(self, session: AsyncSession, gifts: Sequence[Gift]) -> list[dict[str, Any]]:
        """A new period of each subscription began."""
        ...


class OutsideError(Exception):
    """An outside system did not do what it was asked. The text is for the merchant and the customer: no secrets."""

    kind = "BenefitRetriableError"
    """What the API calls it."""


class ActionRequired(OutsideError):
    """Only the customer can help: connect an account, or connect it again."""

    kind = "BenefitActionRequiredError"


class Postponed(OutsideError):
    """It may succeed later; not before `after`, if the outside said so."""

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class Refused(OutsideError):
    """It will not succeed until the merchant changes something."""

    kind = "BenefitRefusedError"


class NotConnected(Refused):
    """The organization has not connected the installation or the server; it is tried again once it has."""

    kind = "BenefitNotConnectedError"


@dataclass(frozen=True)
class Account:
    """A customer's account at the outside."""

    id: UUID
    account_id: str
    tokens: Tokens


@dataclass(frozen=True)
class Job:
    """One grant to be given or taken outside, as it stood when it was claimed."""

    grant_id: UUID
    organization_id: UUID
    type: str
    work: str
    """`give` or `take`."""
    version: int
    attempts: int
    wanted: dict[str, Any]
    """The benefit's properties."""
    held: dict[str, Any]
    """The grant's properties: what was given before, and to which account."""
    account: Account | None
    connected: frozenset[str]
    """The installations or servers that the organization has connected."""
    others_hold_it: bool
    """Whether another grant gives the same to the same account, so that it must stay outside."""

    def with_account(self, account: Account) -> "Job":
        """The same with refreshed tokens."""
        return replace(self, account=account)


class Outside(Protocol):
    """A type that is given at another system. Each verb may be repeated: a worker can die before it is written down."""

    platform: str

    async def give(self, job: Job) -> dict[str, Any]:
        """Gives, and returns the grant's new properties. Raises `OutsideError`."""
        ...

    async def take(self, job: Job) -> None:
        """Takes away; what is gone already is taken. Raises `OutsideError`."""
        ...

    async def refreshed(self, tokens: Tokens) -> Tokens:
        """Good tokens for ones that have expired. Raises `ActionRequired` when the customer withdrew them."""
        ...
