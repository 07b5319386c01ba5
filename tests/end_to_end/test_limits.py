"""The gateway's limits: each kind of token has its own, and who is over one is told when to come back."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from polar_cli import servers
from polar_cli.servers import Limits
from polar_cli.stack import Stack

# Two tokens that nobody has: limits come before the question who it is.
TOKENS = {"organization": "polar_oat_stranger", "personal": "polar_pat_stranger", "customer": "polar_cst_stranger"}


@pytest.fixture(scope="module")
def limited(stack: Stack) -> Iterator[str]:
    """A second gateway before the same services, which lets two requests through, and then one in a minute or so."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    limits = Limits(organization=1, personal=1, customer=1, public=1, burst=2, logins_per_minute=1, logins_burst=1)
    folder = stack.data / "limits"
    gateway = servers.gateway(stack.state, folder, stack.logs / "limits.log", port, limits, name="gateway.limited")
    gateway.start()
    yield f"http://127.0.0.1:{port}"
    gateway.stop()


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


def test_codes_are_limited_however_they_are_asked_for(limited: str) -> None:
    path = "/v1/customer-portal/customer-session/request"
    answers = [answer for n in range(4) for answer in asked(limited, path, f"polar_oat_other{n}", "POST", 1)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[0] == 422
    assert statuses[-1] == 429
    assert answers[-1].headers["Retry-After"] == "60"
    assert "minute" in answers[-1].json()["detail"]
