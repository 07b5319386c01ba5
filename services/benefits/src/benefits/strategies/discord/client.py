"""Discord as a bot, and as an OAuth client for the account that the bot adds.

Limits are kept to as Discord asks (discord.com/developers/docs/topics/rate-limits): `Retry-After`, or `retry_after` in
the body; `X-RateLimit-Global` stops every call, otherwise those of one route and server.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import aiohttp
from pydantic import TypeAdapter, ValidationError
from servicekit import clock

from benefits.settings import Settings
from benefits.strategies.discord.schemas import Guild, OAuthTokens, OwnGuild, Problem, User
from benefits.strategies.http import Answer, Limits, call
from benefits.strategies.protocol import ActionRequired, Postponed, Refused
from benefits.strategies.tokens import Tokens

WHO = "Discord"
SCOPES, BOT_SCOPES = "identify guilds.join", "bot identify guilds"
BOT_PERMISSIONS = 1 << 0 | 1 << 1 | 1 << 28
"""Create Instant Invite (which adding a member needs), Kick Members, Manage Roles."""
ADMINISTRATOR, MANAGE_GUILD = 1 << 3, 1 << 5
UNKNOWN_GUILD, UNKNOWN_MEMBER, UNKNOWN_ROLE, UNKNOWN_USER = 10004, 10007, 10011, 10013
TOO_MANY_GUILDS, INVALID_ACCESS = 30001, 50025
_GUILDS: TypeAdapter[list[OwnGuild]] = TypeAdapter(list[OwnGuild])


class Discord:
    """The calls that benefits need. All raise `OutsideError`."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._limits = Limits()

    async def add(self, guild_id: str, role_id: str, account_id: str, access_token: str) -> None:
        """Adds the account to the server with the role; who is a member already gets the role."""
        path = f"/guilds/{guild_id}/members/{account_id}"
        body = {"access_token": access_token, "roles": [role_id]}
        answer = await self._bot("PUT", path, guild_id, json=body)
        problem = _problem(answer)
        if problem.code in (INVALID_ACCESS, UNKNOWN_USER):
            raise ActionRequired("Discord does not know the account's token any more; connect it again")
        if problem.code == TOO_MANY_GUILDS:
            raise ActionRequired(
                "The Discord account is in as many servers as it may be; leave one, then connect again"
            )
        if self._expect(answer, 201, 204).status == 204:
            self._expect(await self._bot("PUT", f"{path}/roles/{role_id}", guild_id), 204)

    async def remove(self, guild_id: str, role_id: str, account_id: str, *, kick: bool) -> None:
        """Takes the role, or the membership with it; who has left, and what is gone, is gone."""
        path = f"/guilds/{guild_id}/members/{account_id}"
        answer = await self._bot("DELETE", path if kick else f"{path}/roles/{role_id}", guild_id)
        if _problem(answer).code not in (UNKNOWN_GUILD, UNKNOWN_MEMBER, UNKNOWN_ROLE, UNKNOWN_USER):
            self._expect(answer, 204)

    def authorize_url(self, state: str, challenge: str, redirect_uri: str) -> dict[str, str]:
        """The query of Discord's page on which a customer connects their account."""
        return {
            "response_type": "code",
            "client_id": self._settings.discord_client_id,
            "scope": SCOPES,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "prompt": "consent",
        }

    def of_bot(self, guild_id: str | None) -> dict[str, str]:
        """What the query has for a seller, who adds the bot to a server; one that is named cannot be changed there."""
        chosen = {"guild_id": guild_id, "disable_guild_select": "true"} if guild_id is not None else {}
        return {"scope": BOT_SCOPES, "permissions": str(BOT_PERMISSIONS), **chosen}

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """The tokens for the code of a login. Raises `ActionRequired` for a code that is not good (any more)."""
        return _tokens(await self._redeemed(code, verifier, redirect_uri))

    async def administered(
        self, code: str, verifier: str, redirect_uri: str, guild_id: str | None
    ) -> tuple[User, Guild]:
        """Who connected a server, and which: the one to which they just added the bot, as Discord itself says.

        Raises `Refused` when no bot was added, it is another server than `guild_id`, or they do not manage it.
        """
        found = await self._redeemed(code, verifier, redirect_uri)
        if found.guild is None:
            raise Refused("The bot was added to no Discord server")
        if guild_id is not None and found.guild.id != guild_id:
            raise Refused(f"The bot was added to another Discord server than {guild_id}")
        tokens = _tokens(found)
        answer = await self._send("GET", "/users/@me/guilds", f"Bearer {tokens.access_token}", "guilds")
        if answer.status == 401:
            raise ActionRequired("Discord did not show your servers; connect again")
        try:
            guilds = {guild.id: guild for guild in _GUILDS.validate_json(self._expect(answer, 200).body)}
        except ValidationError:
            raise Postponed("an answer of Discord could not be read") from None
        own = guilds.get(found.guild.id)
        if own is None or not (own.owner or own.permissions & (ADMINISTRATOR | MANAGE_GUILD)):
            raise Refused("You need the permission Manage Server in the Discord server")
        return await self.me(tokens), found.guild

    async def _redeemed(self, code: str, verifier: str, redirect_uri: str) -> OAuthTokens:
        form = {"code": code, "code_verifier": verifier, "redirect_uri": redirect_uri}
        return await self._oauth({"grant_type": "authorization_code", **form})

    async def refreshed(self, tokens: Tokens) -> Tokens:
        """Good tokens for ones that have expired. Raises `ActionRequired` when they were withdrawn."""
        if tokens.refresh_token is None:
            raise ActionRequired("The Discord account must be connected again")
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        return _tokens(await self._oauth(form))

    async def me(self, tokens: Tokens) -> User:
        """Whose account it is."""
        answer = await self._send("GET", "/users/@me", f"Bearer {tokens.access_token}", "me")
        if answer.status == 401:
            raise ActionRequired("Discord does not know the account's token any more; connect it again")
        return self._expect(answer, 200).read(User)

    async def _oauth(self, form: dict[str, str]) -> OAuthTokens:
        settings = self._settings
        client = aiohttp.BasicAuth(settings.discord_client_id, settings.discord_client_secret)
        self._limits.check("oauth", WHO)
        url = f"{settings.discord_api_url}/oauth2/token"
        answer = self._limited(await call(self._session, WHO, "POST", url, data=form, auth=client), "oauth")
        problem = _problem(answer)
        if problem.error == "invalid_client" or answer.status == 401:
            raise Refused("Discord does not know the suite's OAuth client")
        if answer.status == 400:
            raise ActionRequired("Discord did not confirm the account; connect it again")
        return self._expect(answer, 200).read(OAuthTokens)

    async def _bot(self, method: str, path: str, guild_id: str, **options: Any) -> Answer:
        return await self._send(
            method, path, f"Bot {self._settings.discord_bot_token}", f"{method}:{guild_id}", **options
        )

    async def _send(self, method: str, path: str, authorization: str, limit: str, **options: Any) -> Answer:
        for name in ("global", limit):
            self._limits.check(name, WHO)
        url = self._settings.discord_api_url + path
        headers = {"Authorization": authorization}
        return self._limited(await call(self._session, WHO, method, url, headers=headers, **options), limit)

    def _limited(self, answer: Answer, limit: str) -> Answer:
        if answer.status == 429:
            seconds = _problem(answer).retry_after
            after = answer.retry_after or timedelta(seconds=min(max(seconds if seconds is not None else 5, 0), 86_400))
            self._limits.hold("global" if answer.headers.get("X-RateLimit-Global") else limit, after)
            raise Postponed("Discord asked to be called less often", after)
        return answer

    @staticmethod
    def _expect(answer: Answer, *statuses: int) -> Answer:
        if answer.status in statuses:
            return answer
        code = _problem(answer).code
        if answer.status == 401:
            raise Refused("Discord does not know the suite's bot: DISCORD_BOT_TOKEN is not good")
        if answer.status == 403:
            raise Refused("Discord refused: the bot may not manage the role, or its own role stands below it")
        if code in (UNKNOWN_GUILD, UNKNOWN_ROLE):
            raise Refused("The Discord server or its role is gone, or the bot is not in the server")
        if code in (UNKNOWN_MEMBER, UNKNOWN_USER):
            raise ActionRequired("The Discord account is gone, or has left the server; connect it again")
        if answer.status in (400, 404):
            raise Refused(f"Discord refused ({answer.status}, code {code})")
        raise Postponed(f"Discord answered {answer.status}")


def _tokens(found: OAuthTokens) -> Tokens:
    return Tokens(found.access_token, found.refresh_token, clock.now() + timedelta(seconds=found.expires_in))


def _problem(answer: Answer) -> Problem:
    if answer.status >= 400:
        with suppress(ValidationError):
            return Problem.model_validate_json(answer.body)
    return Problem()
