"""GitHub and Discord as benefits see them: local servers that refuse what the real ones refuse.

Every request and every answer is held against the provider's description. What does not fit is answered 400 and kept in
`faults`, which the fixtures look at when a test ends.
"""

import asyncio
import base64
import hashlib
import time
from urllib.parse import parse_qs, urlsplit

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from services.benefits.tests.providers.described import Described

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
GITHUB_PEM = _KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()
CLIENT = ("the-client", "the-client-secret")
BOT = "the-bot-token"


class Trouble:
    """An answer that comes instead of the right one, once."""

    def __init__(self, status, body=None, headers=None, *, stall=0.0, after=False):
        self.status, self.body, self.headers, self.stall = status, body, headers or {}, stall
        self.after = after
        """The work is done all the same, and only the answer is lost."""


class Provider:
    """What the two have in common: descriptions, troubles, a log of calls, and OAuth."""

    name = ""

    def __init__(self):
        self.described = Described(self.name)
        self.calls, self.faults, self.troubles = [], [], []
        self.codes, self.tokens = {}, {}
        self.answering = asyncio.Event()
        self.answering.set()
        """While it is not set, what is given is given, and its answer does not come."""
        self.refreshes = {}
        self._numbers = iter(range(1, 10**6))
        app = web.Application()
        for method, path in self.described.templates():
            app.router.add_route(method, self.prefix + path, self._handler(method, path))
        self.add_routes(app)
        self.server = TestServer(app, host="127.0.0.1")

    prefix = ""

    def add_routes(self, app):
        """Routes beside the described ones."""

    @property
    def url(self):
        """Where it listens."""
        return str(self.server.make_url("")).rstrip("/")

    def count(self, method):
        """How many calls with a method there were."""
        return sum(1 for one, _ in self.calls if one == method)

    callback = "http://test/v1/customer-portal/oauth-accounts/callback"
    """The one redirect that the app has registered."""

    def approve(self, page, account_id, **choice):
        """A person says yes on the provider's page: the query with which the browser comes back."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
        assert page.startswith(self.url)
        assert query["client_id"] == CLIENT[0]
        assert query["redirect_uri"] == self.callback, "the redirect is not registered"
        assert query["code_challenge_method"] == "S256"
        code = f"code-{next(self._numbers)}"
        what = self.agreed(query, account_id, **choice)
        self.codes[code] = (account_id, query["code_challenge"], query["redirect_uri"], what)
        return {"state": query["state"], "code": code}

    def agreed(self, query, account_id):
        """What a token is good for beside the account; raises `PermissionError` where the page would not offer it."""

    def redeem(self, code, verifier, redirect_uri):
        """The account of a code, which is good once, and what was agreed to; None when it is not good."""
        account_id, challenge, expected, what = self.codes.pop(code, (None, None, None, None))
        made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        return (account_id, what) if made == challenge and redirect_uri == expected else (None, None)

    def _handler(self, method, path):
        async def handle(request):
            self.calls.append((method.upper(), request.path.removeprefix(self.prefix)))
            trouble = self.troubles.pop(0) if self.troubles else None
            body = None
            if request.can_read_body and request.content_type == "application/json":
                body = await request.json()
            elif request.can_read_body:
                body = dict(await request.post())
            try:
                self.described.check_request(method, path, request.match_info, request.query, body)
                if trouble is not None and not trouble.after:
                    return await self._troubled(trouble)
                status, answer = await self.serve(method, path, request, body)
                self.described.check_answer(method, path, status, answer)
            except AssertionError as fault:
                self.faults.append(str(fault))
                return web.json_response({"message": str(fault)}, status=400)
            if trouble is not None:
                return await self._troubled(trouble)
            if method == "put":
                await self.answering.wait()
            return web.json_response(answer, status=status) if answer is not None else web.Response(status=status)

        return handle

    async def _troubled(self, trouble):
        await asyncio.sleep(trouble.stall)
        return web.json_response(trouble.body or {"message": "trouble"}, status=trouble.status, headers=trouble.headers)

    async def serve(self, method, path, request, body):
        """Status and body."""
        raise NotImplementedError


class GitHubServer(Provider):
    """Repositories with collaborators and invitations; an app that is installed on some of them."""

    name = "github"
    prefix = "/api/v3"

    def __init__(self):
        super().__init__()
        self.installed = {}
        self.users = {}
        self.collaborators, self.invitations = {}, {}
        self.installation_tokens = {}
        self.organization_members = set()
        self.installations = {}
        """Number → the account: `login`, `id`, `type`."""
        self.roles = {}
        """Of users in organizations: (login, user) → role."""
        self.shows_members = True
        """Whether the app has the organization permission Members."""

    def install(self, installation_id, login, account_id=None):
        """Installs the app on an organization, or on the account of a user."""
        kind = "Organization" if account_id is None else "User"
        self.installations[installation_id] = {
            "login": login, "id": account_id or 100_000 + installation_id, "type": kind, "suspended_at": None,
        }  # fmt: skip

    def repository(self, owner, name, installation_id=7):
        """A repository on which the app is installed."""
        if installation_id not in self.installations:
            self.install(installation_id, owner)
        self.installed[owner, name] = installation_id
        self.collaborators[owner, name] = {}
        return f"{owner}/{name}"

    def add_routes(self, app):
        """OAuth lives beside the REST API."""
        app.router.add_post("/login/oauth/access_token", self._token)

    async def _token(self, request):
        form = await request.post()
        if (form["client_id"], form["client_secret"]) != CLIENT:
            return web.json_response({"error": "incorrect_client_credentials"})
        account_id, _ = self.redeem(form["code"], form["code_verifier"], form["redirect_uri"])
        if account_id is None:
            return web.json_response({"error": "bad_verification_code"})
        token = f"gho_{next(self._numbers)}"
        self.tokens[token] = account_id
        return web.json_response({"access_token": token, "token_type": "bearer", "scope": ""})

    async def serve(self, method, path, request, body):
        assert request.headers["Accept"] == "application/vnd.github+json"
        assert request.headers["X-GitHub-Api-Version"] == "2022-11-28"
        assert request.headers["User-Agent"]
        given, named = request.headers["Authorization"].removeprefix("Bearer "), request.match_info
        basic = self.described.sample_of("basic-error")
        if path == "/user":
            if given not in self.tokens:
                return 401, basic
            id = int(self.tokens[given])
            return 200, self.described.sample(method, path, 200, id=id, login=self.users[id])
        if path.startswith("/user/") and "account_id" not in named:
            return (
                self._of_user(method, path, int(self.tokens[given]), request) if given in self.tokens else (401, basic)
            )
        if path.startswith("/app/") or path.endswith("/installation"):
            self._check_app(given)
            if path.startswith("/app/"):
                return self._new_token(int(named["installation_id"]))
            id = self.installed.get((named["owner"], named["repo"]))
            return (200, self._installation(id)) if id else (404, basic)
        if self.installation_tokens.get(given, 0) < time.time():
            return 401, basic
        if path == "/user/{account_id}":
            id = int(named["account_id"])
            if id not in self.users:
                return 404, basic
            return 200, self.described.sample(method, path, 200, id=id, login=self.users[id])
        return self._on_repository(method, path, named, body)

    def _of_user(self, method, path, user_id, request):
        basic = self.described.sample_of("basic-error")
        if path == "/user/installations":
            seen = [
                self._installation(id)
                for id, account in sorted(self.installations.items())
                if account["id"] == user_id or (account["login"], user_id) in self.roles
            ]
            size, page = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
            return 200, {"total_count": len(seen), "installations": seen[size * (page - 1) : size * page]}
        login = request.match_info["org"]
        if not self.shows_members:
            return 403, basic
        if (login, user_id) not in self.roles:
            return 404, basic
        id = next(one["id"] for one in self.installations.values() if one["login"] == login)
        organization = self.described.sample_of("organization-simple", id=id, login=login)
        role = self.roles[login, user_id]
        return 200, self.described.sample(method, path, 200, role=role, state="active", organization=organization)

    def _installation(self, id):
        kept = self.installations[id]
        account = self.described.sample_of("simple-user", **{name: kept[name] for name in ("id", "login", "type")})
        fields = {"account": account, "suspended_at": kept["suspended_at"], "target_type": kept["type"]}
        return self.described.sample_of("installation", id=id, app_id=123456, **fields)

    def _on_repository(self, method, path, named, body):
        at = named["owner"], named["repo"]
        pending = self.invitations.setdefault(at, {})
        if path.endswith("/invitations"):
            return 200, [self._invitation(id, user_id) for id, user_id in pending.items()]
        if path.endswith("/{invitation_id}"):
            return (204, None) if pending.pop(int(named["invitation_id"]), None) else (404, None)
        id = next((id for id, login in self.users.items() if login == named["username"]), None)
        if method == "delete":
            self.collaborators[at].pop(id, None)
            return 204, None
        assert id is not None, "an account that does not exist was added"
        if id in self.collaborators[at] or id in self.organization_members:
            self.collaborators[at][id] = body["permission"]
            return 204, None
        number = next((number for number, user_id in pending.items() if user_id == id), None) or next(self._numbers)
        pending[number] = id
        return 201, self._invitation(number, id)

    def accept(self, owner, name, user_id, permission="pull"):
        """The invited account accepts."""
        pending = self.invitations[owner, name]
        number = next(number for number, id in pending.items() if id == user_id)
        del pending[number]
        self.collaborators[owner, name][user_id] = permission

    def has_access(self, owner, name, user_id):
        """Whether the account is in, or invited."""
        return user_id in self.collaborators[owner, name] or user_id in self.invitations.get((owner, name), {}).values()

    def _invitation(self, number, user_id):
        invitee = self.described.sample_of("simple-user", id=user_id, login=self.users[user_id])
        return self.described.sample_of("repository-invitation", id=number, invitee=invitee)

    def _new_token(self, installation_id):
        if installation_id not in self.installed.values():
            return 404, self.described.sample_of("basic-error")
        token = f"ghs_{next(self._numbers)}"
        self.installation_tokens[token] = time.time() + 3600
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.installation_tokens[token]))
        return 201, self.described.sample_of("installation-token", token=token, expires_at=ends)

    @staticmethod
    def _check_app(given):
        claims = jwt.decode(
            given, _KEY.public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
        )
        assert claims["iss"] == "123456"
        assert claims["exp"] - claims["iat"] <= 600


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
