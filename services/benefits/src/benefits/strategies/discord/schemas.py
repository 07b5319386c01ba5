"""What Discord answers, as far as it is used here (its HTTP API, version 10)."""

from pydantic import BaseModel


class User(BaseModel):
    """An account."""

    id: str
    username: str


class OAuthTokens(BaseModel):
    """Tokens of an account; `expires_in` is in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


class Problem(BaseModel):
    """Why not: Discord's own code, and for limits how many seconds to wait."""

    code: int = 0
    message: str = ""
    retry_after: float | None = None
    error: str = ""
