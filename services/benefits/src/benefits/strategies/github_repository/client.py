"""GitHub as an App: calls with an installation's token, which is made when it is needed and kept until it expires.

Limits are kept to as GitHub asks (docs.github.com, "Rate limits for the REST API"): `Retry-After` if there is one, else
`X-RateLimit-Reset` when nothing remains, else a minute after a secondary limit.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import jwt
from pydantic import TypeAdapter, ValidationError
from servicekit import clock

from benefits.settings import Settings
from benefits.strategies.github_repository.schemas import (
    Installation,
    Installations,
    InstallationToken,
    Invitation,
    Membership,
    OAuthTokens,
    User,
)
from benefits.strategies.http import Answer, Limits, call
from benefits.strategies.protocol import ActionRequired, NotConnected, Postponed, Refused
from benefits.strategies.tokens import Tokens

WHO = "GitHub"
VERSION = "2022-11-28"
SPARE = timedelta(minutes=1)
"""How long before its end a token is no longer used."""
SECONDARY = timedelta(minutes=1)
_INVITATIONS: TypeAdapter[list[Invitation]] = TypeAdapter(list[Invitation])


@dataclass(frozen=True)
class Repository:
    """A repository by its names."""

    owner: str
    name: str

    @property
    def path(self) -> str:
        """Its address below the API's."""
        return f"/repos/{self.owner}/{self.name}"


class GitHub:
    """The calls that benefits need. All raise `OutsideError`."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._installations: dict[Repository, int] = {}
        self._tokens: dict[int, InstallationToken] = {}
        self._limits = Limits()

    async def installation_of(self, repository: Repository) -> Installation:
        """Where the app is installed for a repository. Raises `Refused` when it is not."""
        answer = await self._send("GET", f"{repository.path}/installation", self._app_token(), "app")
        if answer.status in (301, 404):
            raise Refused(
                f"The repository {repository.owner}/{repository.name} is gone, or the GitHub App is not on it"
            )
        return self._expect(answer, 200).read(Installation)

    async def ensure_connected(self, repository: Repository, connected: frozenset[str]) -> None:
        """Raises `NotConnected` for a repository of an installation that is not among those of the organization."""
        if str(await self._installation(repository)) not in connected:
            raise NotConnected(
                f"The seller has not connected the GitHub account {repository.owner}, or its App was installed anew"
            )

    async def administered(
        self, tokens: Tokens, user: User, account: str | None, installation_id: int | None
    ) -> Installation:
        """The app's installation that somebody administers: as its own account, or as an owner of its organization.

        `account` and `installation_id` only choose among those that GitHub shows to the account. Raises `Refused`
        when there is none, or more than one.
        """
        seen = [
            one
            for one in await self._installations_of(tokens)
            if str(one.app_id) == self._settings.github_app_id
            and one.owner
            and (account is None or one.owner.lower() == account.lower())
            and (installation_id is None or one.id == installation_id)
        ]
        own = [one for one in seen if await self._administers(tokens, user, one)]
        if not own:
            raise Refused(
                "The GitHub App is installed on no account of that kind that you administer; install it first"
            )
        if len(own) > 1:
            names = ", ".join(one.owner for one in own[:10])
            raise Refused(f"You administer several GitHub accounts with the App: name one as `account` ({names})")
        if own[0].suspended_at is not None:
            raise Refused(f"The GitHub App is suspended on {own[0].owner}")
        return own[0]

    async def _installations_of(self, tokens: Tokens) -> list[Installation]:
        found: list[Installation] = []
        for page in range(1, 11):
            query = {"per_page": "100", "page": str(page)}
            answer = await self._send("GET", "/user/installations", tokens.access_token, "user", params=query)
            some = self._expect(answer, 200).read(Installations).installations
            found += some
            if len(some) < 100:
                break
        return found

    async def _administers(self, tokens: Tokens, user: User, installation: Installation) -> bool:
        account = installation.account
        if account is None:
            return False
        if account.type == "User":
            return account.id == user.id
        path = f"/user/memberships/orgs/{account.login}"
        answer = await self._send("GET", path, tokens.access_token, "user")
        if answer.status == 404:
            return False
        if answer.status == 403:
            raise Refused(
                f"GitHub does not show your role in {account.login}: the App needs the organization permission Members"
                " (read), accepted by an owner"
            )
        membership = self._expect(answer, 200).read(Membership)
        is_owner = membership.state == "active" and membership.role == "admin"
        return is_owner and membership.organization.id == account.id

    async def login_of(self, repository: Repository, account_id: str) -> str:
        """The present name of an account. A name that was given up may belong to someone else by now."""
        answer = await self._call(repository, "GET", f"/user/{account_id}")
        if answer.status == 404:
            raise ActionRequired("The GitHub account does not exist any more; connect another one")
        return self._expect(answer, 200).read(User).login

    async def add(self, repository: Repository, login: str, permission: str) -> None:
        """Invites an account, or changes the permission of one that is in already."""
        path = f"{repository.path}/collaborators/{login}"
        answer = await self._call(repository, "PUT", path, json={"permission": permission})
        if answer.status == 422:
            raise Refused("GitHub does not take the account as a collaborator of the repository")
        self._expect(answer, 201, 204)

    async def remove(self, repository: Repository, account_id: str, login: str) -> None:
        """Takes back an invitation, and the access; what is gone already is gone."""
        for invitation in await self._invitations(repository):
            if invitation.invitee is not None and str(invitation.invitee.id) == account_id:
                path = f"{repository.path}/invitations/{invitation.id}"
                self._expect(await self._call(repository, "DELETE", path), 204, 404)
        path = f"{repository.path}/collaborators/{login}"
        self._expect(await self._call(repository, "DELETE", path), 204, 404)

    async def _invitations(self, repository: Repository) -> list[Invitation]:
        found: list[Invitation] = []
        for page in range(1, 101):
            query = {"per_page": "100", "page": str(page)}
            answer = await self._call(repository, "GET", f"{repository.path}/invitations", params=query)
            try:
                some = _INVITATIONS.validate_json(self._expect(answer, 200).body)
            except ValidationError:
                raise Postponed("an answer of GitHub could not be read") from None
            found += some
            if len(some) < 100:
                break
        return found

    def authorize_url(self, state: str, challenge: str, redirect_uri: str) -> dict[str, str]:
        """The query of GitHub's page on which a customer connects their account."""
        return {
            "client_id": self._settings.github_client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "prompt": "select_account",
        }

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """The tokens for the code of a login. Raises `ActionRequired` for a code that is not good (any more)."""
        return await self._oauth({"code": code, "code_verifier": verifier, "redirect_uri": redirect_uri})

    async def refreshed(self, tokens: Tokens) -> Tokens:
        """Good tokens for ones that have expired. Raises `ActionRequired` when they were withdrawn."""
        if tokens.refresh_token is None:
            raise ActionRequired("The GitHub account must be connected again")
        return await self._oauth({"grant_type": "refresh_token", "refresh_token": tokens.refresh_token})

    async def me(self, tokens: Tokens) -> User:
        """Whose account it is."""
        answer = await self._send("GET", "/user", tokens.access_token, "user")
        if answer.status == 401:
            raise ActionRequired("GitHub does not know the account's token any more; connect it again")
        return self._expect(answer, 200).read(User)

    async def _oauth(self, form: dict[str, str]) -> Tokens:
        client = {
            "client_id": self._settings.github_client_id,
            "client_secret": self._settings.github_client_secret,
        }
        url = f"{self._settings.github_url}/login/oauth/access_token"
        headers = {"Accept": "application/json"}
        answer = await call(self._session, WHO, "POST", url, data={**client, **form}, headers=headers)
        found = self._expect(answer, 200).read(OAuthTokens)
        if found.access_token is None:
            if found.error in {"incorrect_client_credentials", "redirect_uri_mismatch", "unsupported_grant_type"}:
                raise Refused("GitHub does not know the suite's OAuth client")
            raise ActionRequired("GitHub did not confirm the account; connect it again")
        expires_at = clock.now() + timedelta(seconds=found.expires_in) if found.expires_in else None
        return Tokens(found.access_token, found.refresh_token, expires_at)

    async def _call(self, repository: Repository, method: str, path: str, **options: Any) -> Answer:
        """With the installation's token; a token that was withdrawn early is made anew, once.

        Raises `Postponed` when the repository has another installation by then: it must be checked first.
        """
        expected = await self._installation(repository)
        for is_last in (False, True):
            installation_id = await self._installation(repository)
            if installation_id != expected:
                raise Postponed("The GitHub App was installed anew")
            token = await self._token(installation_id)
            answer = await self._send(method, path, token, str(installation_id), **options)
            if answer.status != 401 or is_last:
                return answer
            self._tokens.pop(installation_id, None)
            self._installations.pop(repository, None)
        raise AssertionError("unreachable")

    async def _installation(self, repository: Repository) -> int:
        known = self._installations.get(repository)
        if known is not None:
            return known
        found = await self.installation_of(repository)
        self._installations[repository] = found.id
        return found.id

    async def _token(self, installation_id: int) -> str:
        known = self._tokens.get(installation_id)
        if known is not None and known.expires_at - SPARE > clock.now():
            return known.token
        path = f"/app/installations/{installation_id}/access_tokens"
        answer = await self._send("POST", path, self._app_token(), "app")
        if answer.status in (403, 404, 422):
            self._installations = {one: id for one, id in self._installations.items() if id != installation_id}
            raise Refused("The GitHub App is not installed on the repository any more, or was suspended")
        self._tokens[installation_id] = self._expect(answer, 201).read(InstallationToken)
        return self._tokens[installation_id].token

    def _app_token(self) -> str:
        """Signed by the app itself; GitHub takes at most ten minutes, and clocks may differ."""
        now = int(clock.now().timestamp())
        claims = {"iat": now - 60, "exp": now + 540, "iss": self._settings.github_app_id}
        return jwt.encode(claims, self._settings.github_app_private_key, algorithm="RS256")

    async def _send(self, method: str, path: str, token: str, limit: str, **options: Any) -> Answer:
        self._limits.check(limit, WHO)
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": VERSION,
        }
        url = self._settings.github_api_url + path
        answer = await call(self._session, WHO, method, url, headers=headers, **options)
        after = _limit(answer)
        if after is not None:
            self._limits.hold(limit, after)
            raise Postponed("GitHub asked to be called less often", after)
        return answer

    @staticmethod
    def _expect(answer: Answer, *statuses: int) -> Answer:
        if answer.status in statuses:
            return answer
        if answer.status == 401:
            raise Refused("GitHub does not know the suite's app: GITHUB_APP_ID and its key do not fit")
        if answer.status in (403, 404, 422):
            raise Refused(f"GitHub refused ({answer.status}): the app may not manage the repository's collaborators")
        raise Postponed(f"GitHub answered {answer.status}")


def _limit(answer: Answer) -> timedelta | None:
    """How long to wait when the answer is about a limit; None when it is about something else."""
    if answer.status not in (403, 429):
        return None
    if answer.retry_after is not None:
        return answer.retry_after
    if answer.headers.get("X-RateLimit-Remaining") == "0":
        reset = answer.headers.get("X-RateLimit-Reset", "")
        if reset.isdecimal():
            return max(datetime.fromtimestamp(int(reset), UTC) - clock.now(), timedelta(seconds=1))
        return SECONDARY
    return SECONDARY if answer.status == 429 or "secondary rate limit" in answer.text else None
