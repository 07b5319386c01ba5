"""Checksums of what a stack is made from: what differs from the last start is done again."""

import hashlib
from functools import cache

from polar_cli.state import ROOT

_QUEUES = {"consumers.py", "worker.py", "projections.py"}


def queues() -> str:
    """A checksum of everything that decides which queues there are."""
    paths = sorted(path for path in ROOT.glob("services/*/src/**/*.py") if path.name in _QUEUES)
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


@cache
def code(*folders: str) -> str:
    """A checksum of the Python code below these folders of the repository, without tests."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py") if "tests" not in path.parts)
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
