"""What Discord answers, as far as it is used here (its HTTP API, version 10)."""

from pydantic import BaseModel


class User(BaseModel):
    """An account."""

    id: str
    username: str


class Guild(BaseModel):
    """A server."""

    id: str
    name: str


class OwnGuild(Guild):
    """A server of which an account is a member, with what the account may do there: a set of bits."""

    owner: bool
    permissions: int


class OAuthTokens(BaseModel):
    """Tokens of an account; `expires_in` is in seconds. `guild` is the server to which a bot was added with it."""

    guild: Guild | None = None

    access_token: str
    refresh_token: str
    expires_in: int


class Problem(BaseModel):
    """Why not: Discord's own code, and for limits how many seconds to wait."""

    code: int = 0
    message: str = ""
    retry_after: float | None = None
    error: str = ""
