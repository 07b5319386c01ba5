"""Logins at other systems that are under way."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from benefits.database import Base


class Login(Base):
    """A login that a customer or a seller began: good once, for some minutes, in the browser that confirmed it.

    Of the ticket in its address, of the browser's cookie and of `state` only hashes are kept.
    """

    __tablename__ = "logins"

    ticket_hash: Mapped[bytes] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    """The customer whose account is connected; None where an organization connects its own."""
    checkout_id: Mapped[UUID | None]
    """Of a customer who has not proven their address: the purchase for which the account is."""
    platform: Mapped[str]
    """`github` or `discord`."""
    account: Mapped[str | None]
    """Of a seller's login: the GitHub account or Discord server that must be connected; None takes what is proven."""
    return_to: Mapped[str]
    expires_at: Mapped[datetime]
    browser_hash: Mapped[bytes | None]
    """Of the cookie that the page set in the browser."""
    state_hash: Mapped[bytes | None]
    """Of OAuth's `state`, once the browser was sent to the other system."""
    encrypted_verifier: Mapped[bytes | None]
    """PKCE's, encrypted with the suite's secret."""


Index("logins_state_key", Login.state_hash, unique=True)
Index("logins_expires_idx", Login.expires_at)
