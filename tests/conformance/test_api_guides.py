"""The pages for API clients: every block runs as it is written, and prints what it says that it prints.

A page is found by its place in `docs/api`, and needs no line here. Shell blocks are begun at once, three at a time;
those of Python run in this process, where the SDK is loaded already: that takes five seconds of the processor. All have
an organization of their own, so that their purchases are not in the way of what other tests count. A page about test
clocks stops its organization's time, and one about webhooks hears all that happens in it, so each of their blocks has
one for itself.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from polar_cli.state import ROOT
from polar_cli.testing import stack_of_tests

from tests.conformance.conftest import needed

PAGES = sorted((ROOT / "docs" / "api").glob("*.md"))
TEXTS = {page.stem: page.read_text() for page in PAGES}
AT_ONCE = 3
KINDS = {"bash", "python"}


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


@pytest.fixture(scope="module")
def clients() -> Callable[[Block], dict[str, str]]:
    """The address and the token that a block is run with."""
    stack = stack_of_tests(needed("POLAR_TEST_STACK"))
    shared = stack.create_organization("Guides", f"guides-{os.urandom(4).hex()}")["access_token"]

    def client(block: Block) -> dict[str, str]:
        token = shared
        if block.page == "webhooks":  # its endpoint hears what the other pages do
            token = stack.create_organization("Hooks", f"hooks-{os.urandom(4).hex()}")["access_token"]
        if block.stops_time:
            token = stack.create_organization("Clock", f"clock-{os.urandom(4).hex()}", is_test=True)["access_token"]
        return {"POLAR_API_URL": needed("POLAR_API_URL").rstrip("/"), "POLAR_ACCESS_TOKEN": token}

    return client


def in_shell(client: dict[str, str], block: Block, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a block as its reader does; `python3` is the one of the tests, and no script that looks for one."""
    environment = {**os.environ, **client, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.script],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def shells(
    clients: Callable[[Block], dict[str, str]],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[Block, Future[subprocess.CompletedProcess[str]]]]:
    """What becomes of the shell blocks of the chosen tests; those that wait longest are begun first."""
    items = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    asked = [item.callspec.params["block"] for item in items if item.callspec.params["block"].kind == "bash"]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            block: pool.submit(in_shell, clients(block), block, tmp_path_factory.mktemp(name_of(block)))
            for block in sorted(asked, key=lambda block: not block.stops_time)
        }


def check(block: Block, output: str) -> None:
    """What the block's lines say that they print was printed, in that order."""
    printed = iter(output.splitlines())
    for promise in block.promises:
        assert any(line == promise for line in printed), f"{promise!r} was not printed, or not in its place:\n{output}"


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind == "python"], ids=name_of)
def test_a_block_of_python_runs(
    shells: object,
    clients: Callable[[Block], dict[str, str]],
    block: Block,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    for name, value in clients(block).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    exec(compile(block.script, f"{block.page}.md", "exec"), {"__name__": "__main__"})
    check(block, capsys.readouterr().out)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind == "bash"], ids=name_of)
def test_a_block_of_shell_runs(shells: dict[Block, Future[subprocess.CompletedProcess[str]]], block: Block) -> None:
    done = shells[block].result()
    assert done.returncode == 0, done.stdout
    check(block, done.stdout)


def test_every_page_shows_both() -> None:
    for page in TEXTS:
        kinds = [block.kind for block in BLOCKS if block.page == page]
        assert set(kinds) == KINDS, f"{page} has blocks of {kinds}"


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
