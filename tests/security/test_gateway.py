"""Nobody outside reaches what is inside, says who they are themselves, or sends more than is taken."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from polar_cli.stack import Stack
from polar_cli.state import SERVICES
from servicekit import auth, clock
from servicekit.auth import HEADER, Principal

MIB = 1024 * 1024
SCOPES = frozenset({"products:read", "products:write", "orders:read", "events:write", "customers:read"})
INTERNAL = [
    "/internal/authenticate",
    "/internal/invariants",
    "/internal/embed-origin/polar_c_x",
    "/internal/",
    "/_authenticate",
    "//internal/authenticate",
    "/./internal/authenticate",
    "/v1/../internal/authenticate",
    "/v1/products/../../internal/authenticate",
    "/v1/%2e%2e/internal/authenticate",
    "/v1/..%2finternal/authenticate",
    "/%69nternal/authenticate",
    "/INTERNAL/authenticate",
    "/v1/internal/authenticate",
    "/readyz",
    "/_bad_request",
    "/_timeout",
]


async def asked(stack: Stack, head: str, body: bytes = b"") -> tuple[int, str]:
    """Sends a request as it stands, which no client library would, and returns the status and the rest."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.gateway_port)
    try:
        writer.write(head.replace("\n", "\r\n").encode() + body)
        await writer.drain()
        answer = (await asyncio.wait_for(reader.read(), 20)).decode(errors="replace")
    finally:
        writer.close()
    return int(answer.split(" ", 2)[1]), answer


@pytest.mark.parametrize("path", INTERNAL)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_internal_routes_end_at_the_gateway(
    stack: Stack, organization: dict[str, str], path: str, method: str
) -> None:
    token = organization["access_token"]
    length = "Content-Length: 0\n" if method == "POST" else ""
    head = f"{method} {path} HTTP/1.1\nHost: x\nAuthorization: Bearer {token}\nConnection: close\n{length}\n"
    status, answer = await asked(stack, head)
    assert status == 404, answer
    assert HEADER.lower() not in answer.lower()


def principal(organization_id: str) -> Principal:
    return Principal("organization", uuid4(), (UUID(organization_id),), SCOPES)


@pytest.fixture
def genuine(stack: Stack, organization: dict[str, str]) -> str:
    """A principal of the first organization as identity itself would sign it: the worst that could leak."""
    return auth.sign(principal(organization["organization_id"]), stack.state.signing_seed())


@pytest.mark.parametrize("name", [HEADER, HEADER.lower(), HEADER.replace("-", "_")])
async def test_a_principal_from_outside_is_dropped(
    stack: Stack, organization: dict[str, str], other_organization: dict[str, str], genuine: str, name: str
) -> None:
    async with httpx.AsyncClient(base_url=stack.url, timeout=30) as client:
        assert (await client.get("/v1/products/", headers={name: genuine})).status_code == 401
        token = other_organization["access_token"]
        given = [("Authorization", f"Bearer {token}"), (name, genuine), (name, genuine)]
        answer = await client.get("/v1/organizations/", headers=given)
        assert answer.status_code == 200
        assert [item["id"] for item in answer.json()["items"]] == [other_organization["organization_id"]]
        answer = await client.get(f"/v1/organizations/{organization['organization_id']}", headers=given)
        assert answer.status_code == 404


async def test_a_service_believes_identity_s_key_alone(stack: Stack, organization: dict[str, str]) -> None:
    """Whoever got past the gateway would still need identity's private key."""
    caller = principal(organization["organization_id"])
    strange = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
    claims = jwt.decode(auth.sign(caller, stack.state.signing_seed()), options={"verify_signature": False})
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(stack.state.signing_seed()))
    public = key.public_key().public_bytes_raw()
    expired = {**claims, "exp": int((clock.now() - timedelta(seconds=1)).timestamp())}
    forged = {
        "another key": auth.sign(caller, strange),
        "no signature": jwt.encode(claims, None, algorithm="none"),
        "the public key as a shared secret": _hmac(claims, public),
        "expired": jwt.encode(expired, key, algorithm="EdDSA"),
        "for somebody else": jwt.encode({**claims, "aud": "others"}, key, algorithm="EdDSA"),
        "without an end": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, key, algorithm="EdDSA"),
        "cut": auth.sign(caller, stack.state.signing_seed())[:-4],
        "no token": "organization",
    }
    routes = {
        "identity": "/v1/organizations/", "catalog": "/v1/products/", "checkout": "/v1/checkouts/",
        "billing": "/v1/orders/", "benefits": "/v1/benefits/", "webhooks": "/v1/webhooks/endpoints",
        "metering": "/v1/events/",
    }  # fmt: skip
    assert set(routes) == set(SERVICES)
    async with httpx.AsyncClient(timeout=30) as client:
        for service, path in routes.items():
            url = f"http://127.0.0.1:{stack.state.port(f'{service}.api')}{path}"
            everything = replace(caller, scopes=SCOPES | {f"{path.split('/')[2]}:read", "checkouts:read"})
            genuine = auth.sign(everything, stack.state.signing_seed())
            answer = await client.get(url, headers={HEADER: genuine})
            assert answer.status_code == 200, f"{service} refused a genuine principal, so nothing was proven"
            for how, token in forged.items():
                answer = await client.get(url, headers={HEADER: token})
                assert answer.status_code == 401, f"{service} took a principal: {how}"


def _hmac(claims: dict[str, object], secret: bytes) -> str:
    """Signed with HMAC, as the classic confusion of algorithms does."""
    return jwt.encode(claims, base64.b64encode(secret).decode(), algorithm="HS256")


async def test_a_token_says_nothing_to_the_services(stack: Stack, organization: dict[str, str]) -> None:
    """Services know principals only: a token sent to them directly is no key."""
    async with httpx.AsyncClient(timeout=30) as client:
        url = f"http://127.0.0.1:{stack.state.port('catalog.api')}/v1/products/"
        answer = await client.get(url, headers={"Authorization": f"Bearer {organization['access_token']}"})
    assert answer.status_code == 401


def refused(answer: httpx.Response, status: int, error: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json()["error"] == error
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]


def padded(size: int) -> bytes:
    """A JSON object of exactly `size` bytes."""
    empty = json.dumps({"name": ""}).encode()
    return empty[:-2] + b"x" * (size - len(empty)) + empty[-2:]


async def test_a_body_has_at_most_a_mebibyte(api: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    refused(await api.post("/v1/products/", content=padded(MIB + 1), headers=headers), 413, "PayloadTooLarge")
    largest = await api.post("/v1/products/", content=padded(MIB), headers=headers)
    assert largest.status_code == 422, "the largest body is read, and refused for what it says"


async def test_a_body_that_does_not_say_its_size_is_counted(api: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b"x" * (64 * 1024)

    answer = await api.post("/v1/products/", content=chunks(), headers={"Content-Type": "application/json"})
    refused(answer, 413, "PayloadTooLarge")


async def test_a_batch_of_usage_events_has_at_most_ten_mebibytes(api: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    for path in ("/v1/events/ingest", "/v1/events/ingest/"):
        refused(await api.post(path, content=padded(10 * MIB + 1), headers=headers), 413, "PayloadTooLarge")
    assert (await api.post("/v1/events/ingest", content=padded(10 * MIB), headers=headers)).status_code == 422


async def test_a_long_address_is_refused(api: httpx.AsyncClient) -> None:
    refused(await api.get("/v1/products/", params={"query": "x" * 20_000}), 414, "URITooLong")
    assert (await api.get("/v1/products/", params={"query": "x" * 8_000})).status_code in (200, 422)


async def test_large_headers_are_refused(api: httpx.AsyncClient) -> None:
    refused(await api.get("/v1/products/", headers={"X-Large": "x" * 20_000}), 431, "HeadersTooLarge")
    many = {f"X-Large-{number}": "x" * 8_000 for number in range(12)}
    refused(await api.get("/v1/products/", headers=many), 431, "HeadersTooLarge")


SMUGGLED = {
    "both lengths": "Content-Length: 4\nTransfer-Encoding: chunked\n",
    "two lengths": "Content-Length: 4\nContent-Length: 60\n",
    "an obscured encoding": "Transfer-Encoding: xchunked\n",
    "a folded encoding": "Transfer-Encoding:\n chunked\n",
}


@pytest.mark.parametrize("how", SMUGGLED)
async def test_a_request_cannot_hide_another(stack: Stack, organization: dict[str, str], how: str) -> None:
    """Gateway and services must agree where a request ends: what could be read in two ways is refused."""
    token = organization["access_token"]
    hidden = b"0\r\n\r\nGET /internal/authenticate HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"POST /v1/products/ HTTP/1.1\nHost: x\nAuthorization: Bearer {token}\n{SMUGGLED[how]}\n"
    status, answer = await asked(stack, head, hidden)
    assert status in (400, 501), answer
    assert answer.count("HTTP/1.1 ") == 1, answer
    assert json.loads(answer.partition("\r\n\r\n")[2])["error"] in ("BadRequest", "NotImplemented")


@pytest.mark.parametrize(
    "given", ["Bearer \x01", "\x01", "Bearer polar_oat_\x7f", "Bearer polar_oat_x\x0by", "Bearer é"]
)
async def test_an_authorization_that_is_no_text_is_refused(stack: Stack, given: str) -> None:
    head = f"GET /v1/products/ HTTP/1.1\nHost: x\nConnection: close\nAuthorization: {given}\n\n"
    status, answer = await asked(stack, head)
    assert status in (400, 401), answer
    assert json.loads(answer.partition("\r\n\r\n")[2])["error"] in ("BadRequest", "Unauthorized")
