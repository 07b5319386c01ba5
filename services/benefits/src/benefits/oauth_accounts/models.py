"""Customers' accounts at other systems."""

from datetime import datetime
from uuid import UUID

from servicekit.database import Record
from servicekit.sealing import cipher
from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from benefits.database import Base
from benefits.strategies.tokens import Tokens

_PURPOSE = "benefits: tokens of connected accounts"


class OAuthAccount(Record, Base):
    """An account that a customer connected. Its tokens are kept encrypted; without any, it must be connected again."""

    __tablename__ = "oauth_accounts"

    customer_id: Mapped[UUID]
    platform: Mapped[str]
    """`github` or `discord`."""
    account_id: Mapped[str]
    username: Mapped[str]
    encrypted_access_token: Mapped[bytes | None]
    encrypted_refresh_token: Mapped[bytes | None]
    expires_at: Mapped[datetime | None]
    checkout_id: Mapped[UUID | None]
    """Where the customer had not proven their address: the purchase for which it was connected. Others do not get it.

    Anybody may buy with somebody's e-mail, and what its owner buys later is not for the first one's account.
    """

    @property
    def is_connected(self) -> bool:
        """Whether it can be used."""
        return self.encrypted_access_token is not None

    def set_tokens(self, tokens: Tokens, suite_secret: str) -> None:
        """Keeps tokens, encrypted with the suite's secret."""
        sealing = cipher(suite_secret, _PURPOSE)
        self.encrypted_access_token = sealing.encrypt(tokens.access_token.encode())
        refresh = tokens.refresh_token
        self.encrypted_refresh_token = sealing.encrypt(refresh.encode()) if refresh else None
        self.expires_at = tokens.expires_at

    def tokens(self, suite_secret: str) -> Tokens:
        """The tokens, readable. Raises `ValueError` when there are none any more."""
        if self.encrypted_access_token is None:
            raise ValueError("the account is not connected")
        sealing = cipher(suite_secret, _PURPOSE)
        refresh = self.encrypted_refresh_token
        return Tokens(
            sealing.decrypt(self.encrypted_access_token).decode(),
            sealing.decrypt(refresh).decode() if refresh else None,
            self.expires_at,
        )

    def forget_tokens(self, now: datetime) -> None:
        """The customer withdrew what they had allowed."""
        self.encrypted_access_token = self.encrypted_refresh_token = None
        self.modified_at = now


Index(
    "oauth_accounts_account_key", OAuthAccount.customer_id, OAuthAccount.platform, OAuthAccount.account_id, unique=True
)
