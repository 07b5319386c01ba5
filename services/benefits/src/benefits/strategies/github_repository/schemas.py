"""What GitHub answers, as far as it is used here (its REST API, version 2022-11-28)."""

from datetime import datetime

from pydantic import BaseModel


class Installation(BaseModel):
    """Where the app is installed."""

    id: int


class InstallationToken(BaseModel):
    """A token that acts for an installation, for an hour."""

    token: str
    expires_at: datetime


class User(BaseModel):
    """An account. The number stays; the name can change hands."""

    id: int
    login: str


class Invitee(BaseModel):
    """Who was invited."""

    id: int


class Invitation(BaseModel):
    """An invitation that was not accepted yet."""

    id: int
    invitee: Invitee | None


class OAuthTokens(BaseModel):
    """Tokens of an account, or why there are none (GitHub answers 200 either way)."""

    access_token: str | None = None
    refresh_token: str | None = None
    expires_in: int | None = None
    error: str | None = None
