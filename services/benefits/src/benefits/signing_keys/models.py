"""The key with which an organization's license keys are signed."""

from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from servicekit.sealing import cipher
from sqlalchemy.orm import Mapped, mapped_column

from benefits.database import Base

_PURPOSE = "benefits: signing keys"


class SigningKey(Base):
    """An organization's Ed25519 key; the private half is kept encrypted with the suite's secret."""

    __tablename__ = "signing_keys"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    public_key: Mapped[bytes]
    encrypted_private_key: Mapped[bytes]

    @staticmethod
    def made(suite_secret: str) -> dict[str, bytes]:
        """The halves of a new key, as they are kept."""
        private = Ed25519PrivateKey.generate()
        sealed = cipher(suite_secret, _PURPOSE).encrypt(private.private_bytes_raw())
        return {"public_key": private.public_key().public_bytes_raw(), "encrypted_private_key": sealed}

    def sign(self, message: bytes, suite_secret: str) -> bytes:
        """The 64 bytes of the signature."""
        seed = cipher(suite_secret, _PURPOSE).decrypt(self.encrypted_private_key)
        return Ed25519PrivateKey.from_private_bytes(seed).sign(message)
