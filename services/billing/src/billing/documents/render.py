"""A document's data made into a PDF: the same data gives the same bytes, whenever and wherever it is rendered.

Fonts come with the package, the system's are not looked at; no clock and no random number takes part.
"""

import asyncio
import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

import typst

_FOLDER = Path(__file__).parent
_ONE_AT_A_TIME = Lock()
"""A compiler keeps its fonts and its cache, and is used by one thread at a time."""


@cache
def template() -> str:
    """Names the version of the layout: a changed one makes every document a new one."""
    layout = (_FOLDER / "document.typ").read_bytes() + version("typst").encode()
    return hashlib.sha256(layout).hexdigest()[:16]


def checksum(document: dict[str, Any]) -> str:
    """What tells one document from another: its data and its layout."""
    return hashlib.sha256(f"{template()}\n{_data(document)}".encode()).hexdigest()


async def rendered(document: dict[str, Any]) -> bytes:
    """The PDF of a document, made beside the event loop. Never called inside a transaction: it takes tens of ms."""
    return await asyncio.to_thread(_compiled, document)


def _data(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@cache
def _compiler() -> typst.Compiler:
    return typst.Compiler(
        _FOLDER / "document.typ", root=_FOLDER, font_paths=[_FOLDER / "fonts"], ignore_system_fonts=True
    )


def _compiled(document: dict[str, Any]) -> bytes:
    with _ONE_AT_A_TIME:
        pdf = _compiler().compile(format="pdf", sys_inputs={"document": _data(document)}, timestamp=0)
    assert isinstance(pdf, bytes)
    return pdf
