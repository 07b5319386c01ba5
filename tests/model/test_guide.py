"""The examples of docs/guides/money.md hold for the reference model, each section alone, with the names of `guide`."""

import re
from pathlib import Path

import pytest

from tests.model import guide

PAGE = Path(__file__).parents[2] / "docs/guides/money.md"
NAMES = ("GERMANY", "REVERSE_CHARGE", "buy", "day", "percent", "plan", "seats")
INTRODUCTION, *SECTIONS = re.split(r"^(?=## )", PAGE.read_text(), flags=re.MULTILINE)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def title(section: str) -> str:
    """The heading of a section."""
    return section.partition("\n")[0].removeprefix("## ")


@pytest.mark.parametrize("section", SECTIONS, ids=title)
def test_a_rule_has_an_example_that_holds_and_a_source(section):
    assert re.search(r"\bSource: \S", section)
    before = INTRODUCTION + "".join(SECTIONS[: SECTIONS.index(section)])
    names = {name: getattr(guide, name) for name in NAMES}
    blocks = list(BLOCK.finditer(section))
    assert blocks
    for block in blocks:
        assert "assert " in block[1]
        line = (before + section[: block.start(1)]).count("\n")
        exec(compile("\n" * line + block[1], str(PAGE), "exec"), names)


def test_the_introduction_explains_every_name():
    assert [name for name in NAMES if f"`{name}" not in INTRODUCTION] == []
