"""Every input of the published SDKs is in the documents, or has a line that says why it is not."""

import json
from typing import Any

import httpx
import pytest
from polar.v2026_10 import Polar
from polar_cli.state import ROOT

from tests.conformance.conftest import needed
from tests.conformance.input_gaps import IGNORED, NOT_BUILT, ONLY_FALSE, REFUSED
from tests.conformance.inputs import found, is_deprecated, is_taken, of_sdks


@pytest.fixture(scope="module")
def document() -> Any:
    """The merged document."""
    return json.loads((ROOT / "deploy" / "gateway" / "openapi.json").read_text())


def test_an_input_of_an_sdk_is_taken_or_listed(document: Any) -> None:
    gaps, unbuilt, seen = set(), set(), 0
    for operation, names in of_sdks().items():
        described = found(document, operation)
        if described is None:
            unbuilt.add(operation)
            continue
        seen += len(names)
        missing = {name for name in names if not is_taken(document, described, name)}
        outer = {name for name in missing if not any(name.startswith(f"{other}.") for other in missing)}
        gaps |= {f"{operation} {name}" for name in outer}
    assert unbuilt == set(NOT_BUILT), "an operation of an SDK is not built, or is now built: see input_gaps.py"
    assert gaps == set(REFUSED), "an input of an SDK is not in the documents, or is now: see input_gaps.py"
    assert seen > 1000


def test_what_is_ignored_is_documented_as_deprecated(document: Any) -> None:
    for line in IGNORED:
        operation, _, name = line.rpartition(" ")
        assert name in of_sdks()[operation], line
        assert is_deprecated(document, found(document, operation), name), line


def test_what_is_not_built_is_refused_by_its_name(
    document: Any, polar: Polar, organization: dict[str, str], until: Any
) -> None:
    customer = polar.customers.create(email="inputs@example.com")
    session = until(lambda: polar.customer_sessions.create(customer_id=customer.id))
    taken = []
    with httpx.Client(base_url=needed("POLAR_API_URL"), timeout=60) as client:
        for line in (*REFUSED, *ONLY_FALSE):
            operation, _, name = line.rpartition(" ")
            method, path = operation.split(" ")
            part, *names = name.split(".")
            if len(names) > 1:
                continue  # inside of what depends on the rest of the body; the whole is tried by the end-to-end tests
            for parameter in ("{id}", "{external_id}", "{client_secret}"):
                path = path.replace(parameter, organization["organization_id"])
            token = session.token if "/customer-portal/" in path else organization["access_token"]
            answer = client.request(
                method,
                path,
                params={names[0]: "true"} if part == "query" else {},
                json={names[0]: "x"} if part == "body" else None,
                headers={"Authorization": f"Bearer {token}"},
            )
            problems = answer.json()["detail"] if answer.status_code == 422 else []
            if [part, names[0]] not in [problem["loc"] for problem in problems]:
                taken.append(f"{line} → {answer.status_code} {answer.text[:200]}")
    assert taken == []
