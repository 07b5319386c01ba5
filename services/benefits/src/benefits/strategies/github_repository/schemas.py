"""What GitHub answers, as far as it is used here (its REST API, version 2022-11-28)."""

from datetime import datetime

from pydantic import BaseModel


class InstallationAccount(BaseModel):
    """The user or organization whose repositories an installation is for. An enterprise has no login."""

    id: int
    login: str = ""
    type: str = "Enterprise"


class Installation(BaseModel):
    """Where the app is installed."""

    id: int
    app_id: int
    account: InstallationAccount | None
    suspended_at: datetime | None = None

    @property
    def owner(self) -> str:
        """The login whose repositories it is for; empty where it is for none."""
        return self.account.login if self.account is not None else ""


class Installations(BaseModel):
    """Those that an account can see: also some that it does not administer."""

    installations: list[Installation]


class MembershipOrganization(BaseModel):
    """An organization of which an account is a member."""

    id: int


class Membership(BaseModel):
    """What an account is in an organization: its owners have the role `admin`."""

    state: str
    role: str
    organization: MembershipOrganization


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
