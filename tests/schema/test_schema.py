"""Schemathesis over the merged OpenAPI document, all of its checks, 2,000 cases or more for each service.

What is sent is drawn from the document, valid and not. No answer may be a 5xx, have a status or a header that is not
documented, or break its schema; what breaks the document must be refused. The seed is fixed, so that a failure here is
the change's own; POLAR_SCHEMA_SEED draws other cases.

A NUL is refused everywhere, which no schema can say: none are drawn (the end-to-end tests send them). A valid body may
be refused with 422, since the document cannot say which products exist.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from polar_cli import forkserver
from polar_cli.stack import Stack
from polar_cli.state import ROOT
from polar_cli.testing import FORKSERVER

from tests.end_to_end.openapi import operations
from tests.schema.conftest import counts

CASES = 2000
AT_ONCE = 3
EXAMPLES = {
    "billing": 8,
    "identity": 126,
    "catalog": 12,
    "checkout": 14,
    "benefits": 20,
    "webhooks": 66,
    "metering": 90,
}
"""Drawn cases for each operation, beside those that cover its document's corners."""
SETTINGS = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "3xx", 400, 401, 402, 403, 404, 409, 410, 413, 414, 422, 429]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 408, 409, 413, 414, 415, 422, 429, 431]
"""
OWN_TOKENS = "/v1/organization-access-tokens/{id}"
"""Left out, since it may draw the id of the very token that it is called with; the tenants' test calls it."""


@pytest.fixture(scope="module")
def document(stack: Stack) -> Any:
    """The merged document, as the gateway serves it."""
    return json.loads((ROOT / "deploy" / "gateway" / "openapi.json").read_text())


def paths_of(service: str) -> Iterator[str]:
    yield from json.loads((ROOT / "services" / service / "openapi.json").read_text())["paths"]


def tried(stack: Stack, document: Any, service: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Has schemathesis try every operation of a service."""
    own = {path: document["paths"][path] for path in paths_of(service) if path != OWN_TOKENS}
    (folder / "openapi.json").write_text(json.dumps({**document, "paths": own}))
    (folder / "schemathesis.toml").write_text(SETTINGS)
    token = stack.create_organization("Schema", f"schema-{service}-{os.urandom(4).hex()}")["access_token"]
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(folder / "schemathesis.toml"),
        "run", str(folder / "openapi.json"), "--url", stack.url, "-H", f"Authorization: Bearer {token}",
        "-H", "Polar-Version: 2026-10", "--phases", "examples,coverage,fuzzing", "-n", str(EXAMPLES[service]),
        "--seed", os.environ.get("POLAR_SCHEMA_SEED", "1"), "--generation-database", ":memory:",
        "--generation-allow-x00", "false", "--no-shrink", "--continue-on-failure", "--no-color",
    ]  # fmt: skip
    # `requests` looks at every variable for a proxy, before each request.
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return forkserver.run(Path(os.environ[FORKSERVER]), command, environment=environment, folder=folder)


@pytest.fixture(scope="module")
def trials(
    stack: Stack, document: Any, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[subprocess.CompletedProcess[str]]]]:
    """What schemathesis is asked by the chosen tests, three services at a time: it waits as long as it draws."""
    asked = [
        item.callspec.params["service"]
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            service: pool.submit(tried, stack, document, service, tmp_path_factory.mktemp(service)) for service in asked
        }


@pytest.mark.parametrize("service", EXAMPLES)
def test_a_service_keeps_to_the_document(
    trials: dict[str, Future[subprocess.CompletedProcess[str]]], service: str
) -> None:
    done = trials[service].result()
    report = done.stdout[done.stdout.find("= FAILURES") :] if "= FAILURES" in done.stdout else done.stdout
    assert done.returncode == 0, report[:20_000]
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated is not None, done.stdout[-2000:]
    counts[service] = int(generated[1])
    assert counts[service] >= CASES


def test_every_operation_says_what_it_needs_and_may_answer(document: Any) -> None:
    for operation in operations(document):
        found = document["paths"][operation.path][operation.method.lower()]
        assert {"422", "429", "503"} <= set(found["responses"]), operation.id
        if operation.needs_token:
            assert {"401", "403"} <= set(found["responses"]), operation.id
            assert found["security"][0]["access_token"], f"{operation.id} names no scope"
            assert "**Scopes**" in found["description"], operation.id
