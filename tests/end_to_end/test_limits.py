"""The gateway's limits: each kind of token has its own, and who is over one is told when to come back."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from polar_cli import servers
from polar_cli.servers import Limits
from polar_cli.stack import Stack

# Two tokens that nobody has: limits come before the question who it is.
TOKENS = {"organization": "polar_oat_stranger", "personal": "polar_pat_stranger", "customer": "polar_cst_stranger"}
REFUSED_AT_ONCE = 300
"""So many tokens of one address identity refuses before it is asked no more."""
CACHED_SECONDS = 4.5
"""After so long the gateway asks about a token anew."""


@contextmanager
def second_gateway(stack: Stack, name: str, **settings: str) -> Iterator[str]:
    """A second gateway before the same services, which lets two requests through, and then one in a minute or so."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    limits = Limits(organization=1, personal=1, customer=1, public=1, burst=2, logins_per_minute=1, logins_burst=1)
    folder = stack.data / name
    log = stack.logs / f"{name}.log"
    gateway = servers.gateway(stack.state, folder, log, port, limits, f"gateway.{name}", settings)
    gateway.start()
    try:
        gateway.wait_ready()
        yield f"http://127.0.0.1:{port}"
    finally:
        gateway.stop()
        servers.forget(servers.in_memory(folder / "gateway"))


@pytest.fixture(scope="module")
def limited(stack: Stack) -> Iterator[str]:
    with second_gateway(stack, "limited") as url:
        yield url


def asked(url: str, path: str, token: str = "", method: str = "GET", times: int = 5) -> list[httpx.Response]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        return [client.request(method, path, json={} if method == "POST" else None) for _ in range(times)]


@pytest.mark.parametrize("kind", TOKENS)
def test_each_kind_of_token_has_a_limit_of_its_own(limited: str, kind: str) -> None:
    answers = asked(limited, "/v1/products/", TOKENS[kind])
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {401, 429}
    assert 1 <= len(refused) <= 2
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert refused[0].json()["error"] == "RateLimitExceeded"
    assert refused[0].headers["X-Request-Id"]
    # Another token of the same kind is not in its way.
    assert asked(limited, "/v1/products/", TOKENS[kind] + "_2", times=1)[0].status_code == 401


def test_who_has_no_token_is_limited_by_address(limited: str) -> None:
    answers = asked(limited, "/v1/checkouts/client/polar_c_unknown", times=6)
    assert {answer.status_code for answer in answers} == {404, 429}


def test_a_made_up_token_takes_nobody_out_of_the_limit(limited: str) -> None:
    path = "/v1/checkouts/client/polar_c_unknown"
    statuses = {asked(limited, path, f"polar_oat_{n}", times=1)[0].status_code for n in range(8)}
    assert 429 in statuses


def test_made_up_tokens_are_limited_by_address(stack: Stack) -> None:
    """Whoever makes them up is refused by the gateway alone. A token that is in use at the same address goes on."""
    in_use, idle = (
        stack.create_organization(name, f"{name}-{os.urandom(4).hex()}")["access_token"] for name in ("used", "idle")
    )
    roomy = {f"GATEWAY_{name}": "10000" for name in ("RATE_ORGANIZATION", "RATE_PUBLIC", "BURST")}
    with (
        second_gateway(stack, "guessed", GATEWAY_TRUSTED_PROXIES="127.0.0.1", **roomy) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):

        def asked(token: str, address: str = "81.2.69.142") -> httpx.Response:
            headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": address}
            return client.get("/v1/products/?limit=1", headers=headers)

        assert asked(in_use).status_code == 200
        began, answer, count = time.monotonic(), asked("polar_oat_0"), 1
        while answer.status_code == 401 and count < REFUSED_AT_ONCE * 2:
            answer, count = asked(f"polar_oat_{count}"), count + 1
        assert (answer.status_code, count > REFUSED_AT_ONCE) == (429, True)
        assert int(answer.headers["Retry-After"]) >= 1
        assert asked(idle).status_code == 429, "a token that was not in use is not told from a guess"
        assert asked(idle, "81.2.69.1").status_code == 200
        time.sleep(max(0.0, began + CACHED_SECONDS - time.monotonic()))
        assert asked(in_use).status_code == 200


def test_what_the_gateway_answers_itself_is_limited_by_address_too(limited: str) -> None:
    assert 429 in {asked(limited, "/openapi.json", f"polar_oat_{n}", times=1)[0].status_code for n in range(8)}


def test_requests_under_way_are_few_for_each_address(stack: Stack) -> None:
    """Slow senders: each holds a megabyte of the gateway's memory until its body has come."""
    head = b"POST /v1/customer-portal/license-keys/validate HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000000\r\n\r\n{"
    roomy = {"GATEWAY_RATE_PUBLIC": "10000", "GATEWAY_BURST": "20"}
    with second_gateway(stack, "slow", **roomy) as url, ExitStack() as opened:
        host, port = urlsplit(url).hostname, urlsplit(url).port
        senders = [opened.enter_context(socket.create_connection((host, port), timeout=10)) for _ in range(25)]
        for sender in senders:
            sender.sendall(head)
        assert senders[-1].recv(4096).startswith(b"HTTP/1.1 429")
        for sender in senders:
            sender.settimeout(0.05)
        waiting = [sender for sender in senders[:-1] if _is_silent(sender)]
        assert len(waiting) <= 20


def _is_silent(sender: socket.socket) -> bool:
    try:
        return not sender.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True


def test_spaces_make_no_other_token(limited: str) -> None:
    with httpx.Client(base_url=limited, timeout=30) as client:
        spaced = [
            client.get("/v1/products/", headers={"Authorization": f"Bearer {' ' * n}polar_oat_spaces"}).status_code
            for n in range(1, 7)
        ]
    assert 429 in spaced


def test_a_malformed_authorization_is_401(limited: str) -> None:
    with httpx.Client(base_url=limited, timeout=30) as client:
        answer = client.get(
            "/v1/products/", headers={"Authorization": "Bearer polar_oat_a\x01b", "X-Forwarded-For": "9"}
        )
    assert answer.status_code in {400, 401, 429}


def test_call_backs_of_stripe_have_room_of_their_own(limited: str) -> None:
    asked(limited, "/v1/checkouts/client/polar_c_unknown", times=6)
    answers = asked(limited, "/v1/integrations/stripe/webhook", method="POST", times=6)
    assert {answer.status_code for answer in answers} == {400}


@pytest.mark.parametrize(
    "path",
    [
        "oauth-accounts/callback?code=c&state=s",
        "oauth-accounts/start?ticket=t",
        f"license-keys/public-key?organization_id={UUID(int=1)}",
    ],
)
def test_what_needs_no_token_is_reached_without_one(stack: Stack, path: str) -> None:
    answer = httpx.get(f"{stack.url}/v1/customer-portal/{path}", timeout=30)
    assert answer.status_code != 401, answer.text
    assert answer.status_code < 500


def test_behind_a_trusted_proxy_each_client_has_a_limit(stack: Stack) -> None:
    with second_gateway(stack, "proxied", GATEWAY_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8") as url:
        path = "/v1/customer-portal/customer-session/request"
        with httpx.Client(base_url=url, timeout=30) as client:
            for n in range(6):
                answer = client.post(path, json={}, headers={"X-Forwarded-For": f"198.51.100.{n}"})
                assert answer.status_code == 422
            same = [
                client.post(path, json={}, headers={"X-Forwarded-For": "198.51.100.9"}).status_code for _ in range(4)
            ]
    assert 429 in same


def test_a_network_of_one_connection_is_one_client(stack: Stack) -> None:
    """Whoever has an IPv6 address has 64 bits of others, and may write each in several ways."""
    networks = {"2001:db8:a:b": ["::{}", ":0:0:0:{}", ":{}::1"], "2001:db8": ["::{}", ":0:0:{}:2:3:4"]}
    with second_gateway(stack, "sixth", GATEWAY_TRUSTED_PROXIES="127.0.0.1") as url:
        path = "/v1/customer-portal/customer-session/request"
        with httpx.Client(base_url=url, timeout=30) as client:
            for network, hosts in networks.items():
                statuses = [
                    client.post(path, json={}, headers={"X-Forwarded-For": network + host.format(n)}).status_code
                    for n in range(1, 4)
                    for host in hosts
                ]
                assert statuses[0] == 422
                assert statuses.count(422) <= 3, network
            other = client.post(path, json={}, headers={"X-Forwarded-For": "2001:db8:a:c::1"})
            assert other.status_code == 422
            mapped = [
                client.post(path, json={}, headers={"X-Forwarded-For": f"::ffff:198.51.100.{n}"}).status_code
                for n in range(4)
            ]
            assert set(mapped) == {422}


def test_codes_are_limited_however_they_are_asked_for(limited: str) -> None:
    path = "/v1/customer-portal/customer-session/request"
    answers = [answer for n in range(4) for answer in asked(limited, path, f"polar_oat_other{n}", "POST", 1)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[0] == 422
    assert statuses[-1] == 429
    assert answers[-1].headers["Retry-After"] == "60"
    assert "minute" in answers[-1].json()["detail"]
    portal = "/v1/customer-portal"
    for other in ("withdrawals/request", "withdrawals/confirm/", "cancellations/", "cancellations/confirm"):
        assert asked(limited, f"{portal}/{other}", "", "POST", 1)[0].status_code == 429, other
