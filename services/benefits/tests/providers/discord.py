"""Discord as benefits see it."""

import base64

from services.benefits.tests.providers.provider import CLIENT, Provider

BOT = "the-bot-token"


class DiscordServer(Provider):
    """Servers ("guilds") with roles and members; a bot in some of them."""

    name = "discord"
    prefix = "/api/v10"

    def __init__(self):
        super().__init__()
        self.guilds = {}
        self.users = {}
        self.joinable = {}
        self.lifetime = 604_800
        self.forbidden = set()
        self.scopes = {}
        """What each token is good for."""
        self.permissions = {}
        """Of accounts in servers: (server, account) → bits; 32 is Manage Server."""

    def guild(self, guild_id, *roles, has_bot=True):
        """A server with these roles."""
        self.guilds[guild_id] = {"roles": set(roles), "members": {}, "has_bot": has_bot}

    def agreed(self, query, account_id, guild_id=None):
        """The page offers the servers that the account manages, and adds the bot to the chosen one."""
        scopes = query["scope"].split()
        if "bot" not in scopes:
            return scopes, None
        chosen = query.get("guild_id", guild_id) if "disable_guild_select" in query else guild_id
        if not self.permissions.get((chosen, account_id), 0) & (8 | 32):
            raise PermissionError("only servers that the account manages can be chosen")
        assert int(query["permissions"]) == 0x10000003
        self.guilds[chosen]["has_bot"] = True
        return scopes, chosen

    async def serve(self, method, path, request, body):
        given, named = request.headers["Authorization"], request.match_info
        if path == "/oauth2/token":
            return self._token(given, body)
        if path == "/users/@me":
            id = self._of_token(given, "identify")
            if id is None:
                return 401, {"code": 0, "message": "401: Unauthorized"}
            return 200, self.described.sample(method, path, 200, id=id, username=self.users[id])
        if path == "/users/@me/guilds":
            id = self._of_token(given, "guilds")
            if id is None:
                return 401, {"code": 0, "message": "401: Unauthorized"}
            return 200, [
                self.described.sample_of(
                    "MyGuildResponse", id=guild_id, name=f"Server {guild_id}", permissions=str(bits)
                )
                for (guild_id, account_id), bits in self.permissions.items()
                if account_id == id
            ]
        if given != f"Bot {BOT}":
            return 401, {"code": 0, "message": "401: Unauthorized"}
        guild, user_id = self.guilds.get(named["guild_id"]), named["user_id"]
        if guild is None or not guild["has_bot"]:
            return 404, {"code": 10004, "message": "Unknown Guild"}
        if named["guild_id"] in self.forbidden:
            return 403, {"code": 50013, "message": "Missing Permissions"}
        members = guild["members"]
        if "role_id" in named:
            return self._role(method, guild, user_id, named["role_id"])
        if method == "delete":
            if user_id not in members:
                return 404, {"code": 10007, "message": "Unknown Member"}
            del members[user_id]
            return 204, None
        if self._of_token(body["access_token"], "guilds.join") != user_id:
            return 403, {"code": 50025, "message": "Invalid OAuth2 access token"}
        if not set(body["roles"]) <= guild["roles"]:
            return 404, {"code": 10011, "message": "Unknown Role"}
        if user_id in members:
            return 204, None
        members[user_id] = set(body["roles"])
        user = {"id": user_id, "username": self.users[user_id]}
        return 201, {"user": user, "roles": body["roles"], "joined_at": "2026-01-01T00:00:00Z"}

    def _of_token(self, given, scope):
        token = given.removeprefix("Bearer ")
        return self.tokens.get(token) if scope in self.scopes.get(token, ()) else None

    @staticmethod
    def _role(method, guild, user_id, role_id):
        if user_id not in guild["members"]:
            return 404, {"code": 10007, "message": "Unknown Member"}
        if role_id not in guild["roles"]:
            return 404, {"code": 10011, "message": "Unknown Role"}
        roles = guild["members"][user_id]
        roles.add(role_id) if method == "put" else roles.discard(role_id)
        return 204, None

    def _token(self, given, form):
        basic = base64.b64decode(given.removeprefix("Basic ")).decode()
        if basic != ":".join(CLIENT):
            return 401, {"error": "invalid_client"}
        scopes, guild_id = ["identify", "guilds.join"], None
        if form["grant_type"] == "refresh_token":
            account_id = self.refreshes.pop(form["refresh_token"], None)
        else:
            account_id, what = self.redeem(form["code"], form["code_verifier"], form["redirect_uri"])
            scopes, guild_id = what or (scopes, None)
        if account_id is None:
            return 400, {"error": "invalid_grant"}
        number = next(self._numbers)
        self.tokens[f"access-{number}"] = self.refreshes[f"refresh-{number}"] = account_id
        self.scopes[f"access-{number}"] = scopes
        added = {"guild": {"id": guild_id, "name": f"Server {guild_id}"}} if guild_id is not None else {}
        return 200, {
            "access_token": f"access-{number}", "token_type": "Bearer", "expires_in": self.lifetime,
            "refresh_token": f"refresh-{number}", "scope": " ".join(scopes), **added,
        }  # fmt: skip

    def withdraw(self, account_id):
        """The customer removes the suite's app in their settings."""
        self.tokens = {token: id for token, id in self.tokens.items() if id != account_id}
        self.refreshes = {token: id for token, id in self.refreshes.items() if id != account_id}
