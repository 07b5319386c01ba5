"""Collaborators of a repository."""

from typing import Any

from benefits.settings import Settings
from benefits.strategies.github_repository.client import GitHub, Repository
from benefits.strategies.github_repository.properties import is_within
from benefits.strategies.protocol import ActionRequired, Job, Refused
from benefits.strategies.tokens import Tokens


class GitHubRepository:
    """The holder's GitHub account becomes a collaborator of the benefit's repository."""

    platform = "github"

    def __init__(self, client: GitHub, settings: Settings) -> None:
        self._client = client
        self._highest = settings.github_max_permission

    async def give(self, job: Job) -> dict[str, Any]:
        """Takes what was given in another repository or to another account, then adds the account."""
        if job.account is None:
            raise ActionRequired("Connect a GitHub account to get access to the repository")
        wanted = Repository(job.wanted["repository_owner"], job.wanted["repository_name"])
        if not is_within(job.wanted["permission"], self._highest):
            raise Refused(f"This suite gives at most the permission {self._highest}")
        await self._client.ensure_connected(wanted, job.connected)
        before = _held(job)
        if before is not None and before != (wanted, job.account.account_id) and not job.others_hold_it:
            await self._remove(*before)
        login = await self._client.login_of(wanted, job.account.account_id)
        await self._client.add(wanted, login, job.wanted["permission"])
        return {
            "account_id": job.account.account_id,
            "granted_account_id": job.account.account_id,
            "repository_owner": wanted.owner,
            "repository_name": wanted.name,
            "permission": job.wanted["permission"],
        }

    async def take(self, job: Job) -> None:
        """Removes the account, unless another grant gives it the same. It needs no connection: what was given ends."""
        held = _held(job)
        if held is None and job.account is not None:  # perhaps given by a worker that died before it could say so
            held = Repository(job.wanted["repository_owner"], job.wanted["repository_name"]), job.account.account_id
        if held is not None and not job.others_hold_it:
            await self._remove(*held)

    async def refreshed(self, tokens: Tokens) -> Tokens:
        """Adding a collaborator needs no token of theirs: whatever it is, it is good."""
        return tokens

    async def _remove(self, repository: Repository, account_id: str) -> None:
        """A repository or an account that is gone has nothing to be taken from."""
        try:
            login = await self._client.login_of(repository, account_id)
        except ActionRequired:
            return
        except Refused as refused:
            if "is gone" in str(refused):
                return
            raise
        await self._client.remove(repository, account_id, login)


def _held(job: Job) -> tuple[Repository, str] | None:
    account_id = job.held.get("granted_account_id")
    if not account_id or "repository_name" not in job.held:
        return None
    return Repository(job.held["repository_owner"], job.held["repository_name"]), account_id
