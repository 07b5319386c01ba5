"""Looks for secrets in files: those that are known, and whatever looks like one."""

import base64
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

PATTERNS = {
    "an access token": rb"polar_(?:oat|pat|cst)_[A-Za-z0-9]{16,}",
    "a client secret": rb"polar_cl?_[A-Za-z0-9]{16,}",
    "a signing secret": rb"whsec_[A-Za-z0-9+/=]{16,}",
    "a key of the processor": rb"[sr]k_(?:test|live)_[A-Za-z0-9]{16,}",
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a password in an address": rb"(?:amqp|postgres|postgresql|postgresql\+asyncpg|smtps?)://[^:/@\s]+:[^@\s]+@",
    "a principal": rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.",
    "an authorization": rb"(?i:\bbearer\s+[A-Za-z0-9_.-]{16,}|\bbasic\s+[A-Za-z0-9+/=]{16,})",
}
_PATTERNS = {what: re.compile(pattern) for what, pattern in PATTERNS.items()}


def forms(secret: str) -> Iterable[bytes]:
    """How a secret may be written: as it is, in an address, and in base64 at each of the three alignments."""
    yield secret.encode()
    yield quote(secret, safe="").encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret.encode())
        # The characters at both ends depend on what stands beside the secret.
        yield encoded[4 if shift else 0 : -4]


def found(files: Iterable[Path], secrets: Mapping[str, str]) -> list[str]:
    """One line for each secret in each file, without the secret itself. `secrets` is text by a name for it.

    Raises `ValueError` for a secret that is too short to be told from other text.
    """
    for name, secret in secrets.items():
        if len(secret) < 12:
            raise ValueError(f"{name} is too short to be looked for")
    wanted = {name: set(forms(secret)) for name, secret in secrets.items()}
    problems = []
    for path in files:
        content = path.read_bytes()
        problems += [f"{path.name}: {name}" for name, written in wanted.items() if any(w in content for w in written)]
        for what, pattern in _PATTERNS.items():
            match = pattern.search(content)
            if match:
                line = content.count(b"\n", 0, match.start()) + 1
                problems.append(f"{path.name}:{line}: {what}")
    return problems
