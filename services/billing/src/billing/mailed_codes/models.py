"""Codes that were mailed to customers to prove their address without a login."""

from datetime import datetime
from uuid import UUID

from servicekit.database import Record
from servicekit.mailed_codes import MailedCode as Columns
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class MailedCode(Columns, Record, Base):
    """The one code that there is for a purpose and a resource. Only the HMAC of it is kept."""

    __tablename__ = "mailed_codes"

    purpose: Mapped[str]
    """`withdrawal` of an order, or `cancellation` of a subscription.

    With `free` before it, what was mailed to a customer (`about`) for all of theirs that cost nothing, and no code.
    """
    about: Mapped[UUID] = mapped_column()
    requested_at: Mapped[datetime]
    """When the customer asked for it, by the organization's clock: a declaration that it confirms is in time then."""


Index("mailed_codes_key", MailedCode.purpose, MailedCode.about, unique=True)
