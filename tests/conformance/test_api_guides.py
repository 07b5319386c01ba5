"""The pages for API clients: every block runs as it is written, and prints what it says that it prints.

A page is found by its place in `docs/api`, and needs no line here. All blocks are begun at once, four at a time, in an
organization of their own: their purchases are not in the way of what the other tests count. A page about test clocks
stops its organization's time, so each of its blocks has one for itself.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from polar_cli.stack import Stack
from polar_cli.state import ROOT
from polar_cli.testing import stack_of_tests

from tests.conformance.conftest import needed

PAGES = sorted((ROOT / "docs" / "api").glob("*.md"))
TEXTS = {page.stem: page.read_text() for page in PAGES}
AT_ONCE = 4
COMMANDS = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}


@dataclass(frozen=True)
class Block:
    """A block of a page."""

    page: str
    kind: str
    number: int
    script: str

    @property
    def stops_time(self) -> bool:
        return self.page == "test-clocks"

    @property
    def promises(self) -> list[str]:
        """What it says that its lines print."""
        return re.findall(r"  # → (.*)$", self.script, re.M)


def blocks() -> Iterator[Block]:
    for page, text in TEXTS.items():
        for number, (kind, script) in enumerate(re.findall(r"^```(\w+)\n(.*?)^```", text, re.DOTALL | re.M), start=1):
            yield Block(page, kind, number, script)


BLOCKS = list(blocks())


def name_of(block: Block) -> str:
    return f"{block.page}-{block.number}-{block.kind}"


def ran(stack: Stack, token: str, block: Block, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a block as its reader does."""
    if block.stops_time:
        token = stack.create_organization("Clock", f"clock-{os.urandom(4).hex()}", is_test=True)["access_token"]
    client = {"POLAR_API_URL": needed("POLAR_API_URL").rstrip("/"), "POLAR_ACCESS_TOKEN": token}
    return subprocess.run(
        [*COMMANDS[block.kind], block.script], env={**os.environ, **client}, cwd=folder, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Block, Future[subprocess.CompletedProcess[str]]]]:
    """What becomes of the blocks of the chosen tests; those that wait longest are begun first."""
    asked = [
        item.callspec.params["block"]
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    ]
    stack = stack_of_tests(needed("POLAR_TEST_STACK"))
    token = stack.create_organization("Guides", f"guides-{os.urandom(4).hex()}")["access_token"]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            block: pool.submit(ran, stack, token, block, tmp_path_factory.mktemp(name_of(block)))
            for block in sorted(asked, key=lambda block: not block.stops_time)
        }


@pytest.mark.parametrize("block", BLOCKS, ids=name_of)
def test_a_block_runs(runs: dict[Block, Future[subprocess.CompletedProcess[str]]], block: Block) -> None:
    done = runs[block].result()
    output = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, output
    printed = iter(done.stdout.splitlines())
    for promise in block.promises:
        assert any(line == promise for line in printed), f"{promise!r} was not printed, or not in its place:\n{output}"


def test_every_page_shows_both() -> None:
    for page in TEXTS:
        kinds = [block.kind for block in BLOCKS if block.page == page]
        assert set(kinds) == set(COMMANDS), f"{page} has blocks of {kinds}"


def test_the_table_names_every_page() -> None:
    named = re.findall(r"^\| \[([\w-]+)\]\(([\w-]+)\.md\) \|", TEXTS["README"], re.M)
    assert all(name == file for name, file in named)
    assert sorted(name for name, _ in named) == sorted(page for page in TEXTS if page != "README")


def test_every_path_is_on_some_page() -> None:
    document = json.loads((ROOT / "deploy" / "gateway" / "openapi.json").read_text())
    groups = {path.split("/")[2] for path in document["paths"] if path.startswith("/v1/")}
    everything = "\n".join(TEXTS.values())
    missing = [group for group in sorted(groups) if not re.search(rf"/v1/{re.escape(group)}(?![\w-])", everything)]
    assert not missing
