"""GitHub as benefits see it."""

import time

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from services.benefits.tests.providers.provider import CLIENT, Provider

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
GITHUB_PEM = _KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()


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
