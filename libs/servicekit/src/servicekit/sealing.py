"""Secrets at rest: encrypted with a key that is derived from the suite's secret, another one for each purpose."""

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet


@lru_cache(maxsize=16)
def cipher(suite_secret: str, purpose: str) -> Fernet:
    """The cipher of one purpose; what it sealed cannot be opened with that of another."""
    key = hashlib.scrypt(suite_secret.encode(), salt=purpose.encode(), n=2**4, r=8, p=1, dklen=32)
    return Fernet(base64.urlsafe_b64encode(key))
