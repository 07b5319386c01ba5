"""Roles in a Discord server."""

from typing import Any

from benefits.strategies.discord.client import Discord
from benefits.strategies.protocol import ActionRequired, Job, NotConnected
from benefits.strategies.tokens import Tokens


class DiscordRole:
    """The holder's Discord account joins the server and gets the role."""

    platform = "discord"

    def __init__(self, client: Discord) -> None:
        self._client = client

    async def give(self, job: Job) -> dict[str, Any]:
        """Takes what was given in another place or to another account, then adds the account."""
        if job.account is None:
            raise ActionRequired("Connect a Discord account to join the server")
        if job.wanted["guild_id"] not in job.connected:
            raise NotConnected("The seller has not connected the Discord server")
        place, account_id = (job.wanted["guild_id"], job.wanted["role_id"]), job.account.account_id
        before = _held(job)
        if before is not None and before != (*place, account_id) and not job.others_hold_it:
            has_left = before[0] != place[0] or before[2] != account_id
            await self._client.remove(*before, kick=has_left and job.wanted["kick_member"])
        await self._client.add(*place, account_id, job.account.tokens.access_token)
        return {
            "account_id": account_id,
            "granted_account_id": account_id,
            "guild_id": place[0],
            "role_id": place[1],
        }

    async def take(self, job: Job) -> None:
        """Takes the role (and the membership, with `kick_member`), unless another grant gives the same."""
        held = _held(job)
        if held is None and job.account is not None:  # perhaps given by a worker that died before it could say so
            held = job.wanted["guild_id"], job.wanted["role_id"], job.account.account_id
        if held is not None and not job.others_hold_it:
            await self._client.remove(*held, kick=job.wanted["kick_member"])

    async def refreshed(self, tokens: Tokens) -> Tokens:
        """Joining needs a token of the account that is good."""
        return await self._client.refreshed(tokens)


def _held(job: Job) -> tuple[str, str, str] | None:
    account_id = job.held.get("granted_account_id")
    if not account_id or "role_id" not in job.held:
        return None
    return job.held["guild_id"], job.held["role_id"], account_id
