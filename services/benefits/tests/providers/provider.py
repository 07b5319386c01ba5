"""A provider as benefits see it: a local server that refuses what the real one refuses.

Every request and every answer is held against the provider's description. What does not fit is answered 400 and kept in
`faults`, which the fixtures look at when a test ends.
"""

import asyncio
import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer

from services.benefits.tests.providers.described import Described

CLIENT = ("the-client", "the-client-secret")


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
