"""Test clocks: where an organization's time stands, where it goes, and what the services said on the way."""

from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from servicekit.database import Record
from servicekit.errors import Conflict, InvalidInput
from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base

SPAN = timedelta(days=731)
"""The furthest that one advance goes: two years, a leap day included (as Stripe's test clocks)."""


class TestClockAdvancing(Conflict):
    """The clock is still on its way: ask until its status is `ready`."""

    __test__: ClassVar[bool] = False


class TestClock(Record, Base):
    """A clock. `frozen_time` is where it goes, `present_time` where it stands; once `ready` they are the same.

    `round` numbers its questions to the services, and `seen` are the events that the last one told them of. `ask_at`
    is by the machine's clock: when to ask again after a round that brought nothing new.
    """

    __test__: ClassVar[bool] = False
    __tablename__ = "test_clocks"

    name: Mapped[str]
    frozen_time: Mapped[datetime]
    present_time: Mapped[datetime]
    status: Mapped[str]
    round: Mapped[int] = mapped_column(BigInteger)
    seen: Mapped[list[Any]]
    ask_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    def advance(self, to: datetime, now: datetime) -> None:
        """Sets out for a later instant.

        Raises `TestClockAdvancing` while it is on its way, and `InvalidInput` for an instant that is not later or
        more than two years away.
        """
        if self.status != "ready":
            raise TestClockAdvancing("The clock is still advancing; its status will be ready")
        if to <= self.frozen_time:
            raise InvalidInput(("body", "frozen_time"), "A clock only goes forward: this is not later than it stands")
        if to > self.frozen_time + SPAN:
            raise InvalidInput(("body", "frozen_time"), "A clock advances by two years at most at a time")
        self.status, self.frozen_time, self.modified_at = "advancing", to, now


class TestClockReport(Base):
    """A service's last answer."""

    __test__: ClassVar[bool] = False
    __tablename__ = "test_clock_reports"

    clock_id: Mapped[UUID] = mapped_column(ForeignKey("test_clocks.id"), primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    round: Mapped[int] = mapped_column(BigInteger)
    recorded: Mapped[list[Any]]
    unhandled: Mapped[list[Any]]
    next_due_at: Mapped[datetime | None]


Index("test_clocks_live_key", TestClock.organization_id, unique=True, postgresql_where=TestClock.deleted_at.is_(None))
Index("test_clocks_list_idx", TestClock.organization_id, TestClock.created_at.desc(), TestClock.id.desc())
Index("test_clocks_ask_idx", TestClock.ask_at, postgresql_where=TestClock.ask_at.is_not(None))
