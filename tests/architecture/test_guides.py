"""What the documents point at exists: files and commands."""

import re
from pathlib import Path

import pytest
from polar_cli import main
from support import ROOT

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md"), *ROOT.glob("tests/**/*.md")]
)
COMMANDS = set(re.findall(r"^    ([a-z][a-z-]+)", main._parser().format_help(), re.MULTILINE))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_points_at_exists(path: Path) -> None:
    text = path.read_text()
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (path.parent / target).exists(), f"{target} does not exist"
    for command in re.findall(r"\./polar ([a-z]+(?:-[a-z]+)*)", text):
        assert command in COMMANDS, f"./polar {command} is no command"
    for name in re.findall(r"`((?:deploy|services|libs|tests|tools)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), f"{name} does not exist"
