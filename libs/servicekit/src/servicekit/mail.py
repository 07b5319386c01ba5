"""Mail: written in the transaction that makes it due, sent by a timer outside of any, to a folder or over SMTP.

A service that sends adds the table with `create_mail_table` and `add_letters`, and runs `send_mails` in its worker. A
mail may arrive twice when the worker is killed between sending and noting it; its Message-ID is then the same.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import clock, ids
from servicekit.database import Sessions, wake
from servicekit.letters import Letter
from servicekit.timers import Timer, look

if TYPE_CHECKING:
    # A tenth of a process's start, for a migration's function alone.
    from alembic.operations import Operations

log = structlog.get_logger()

BATCH = 20
IN_HAND = timedelta(seconds=60)
"""How long a mail is left to the worker that took it."""
WAITS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
"""Between attempts; after the last one the mail is given up."""

_TABLE = """
    create table mails (
        id uuid primary key,
        created_at timestamptz not null,
        recipient text not null,
        subject text not null,
        body text,
        due_at timestamptz,
        attempts int not null default 0,
        sent_at timestamptz,
        failure text
    )
"""
_WRITE = text("""
    insert into mails (id, created_at, recipient, subject, body, due_at)
    values (:id, :now, :recipient, :subject, :body, :now)
""")
_CLAIM = text("""
    update mails set due_at = :until, attempts = attempts + 1 where id in (
        select id from mails where due_at <= :now order by due_at limit :batch for update skip locked
    ) returning id, created_at, recipient, subject, body, attempts, letter, kind, about
""")
_WRITE_LETTER = text("""
    insert into mails (id, created_at, recipient, subject, body, due_at, key, kind, about, letter)
    values (:id, :now, :recipient, :subject, :body, :now, :key, :kind, :about, cast(:letter as jsonb))
    on conflict (key) where key is not null do nothing
""")
_is_any_due = look("select 1 from mails where due_at <= $1 order by due_at limit 1")
_SENT = text(
    "update mails set sent_at = :now, due_at = null, body = null, letter = null, failure = null where id = :id"
)
_OVER = text("""
    update mails set due_at = null, body = null, letter = null, failure = 'no longer true when it was due'
    where id = :id
""")
_FAILED = text("""
    update mails set due_at = :due, failure = :failure,
        body = case when :over then null else body end, letter = case when :over then null else letter end
    where id = :id
""")


def create_mail_table(op: "Operations") -> None:
    """For a service's migration."""
    op.execute(_TABLE)
    op.execute("create index mails_due_idx on mails (due_at) where due_at is not null")


def add_letters(op: "Operations") -> None:
    """For a service's migration, after `create_mail_table`: what a mail says, what it is about, and its unique key."""
    op.execute(
        "alter table mails add column letter jsonb, add column key text, add column kind text, add column about uuid"
    )
    op.execute("create unique index mails_key on mails (key) where key is not null")


@dataclass(frozen=True)
class Notice:
    """A letter to one recipient, written once for its `kind`, `about` and `occasion`.

    `about` is the resource that it speaks of; the service's `is_over` reads it again before the letter is sent.
    """

    recipient: str
    letter: Letter
    kind: str
    about: UUID
    occasion: str = ""
    """What tells two letters of a kind about one resource apart: an instant, a payment."""

    @property
    def key(self) -> str:
        """Unique in the service."""
        return f"{self.kind}:{self.about}:{self.occasion}"


async def write_notices(session: AsyncSession, notices: Sequence[Notice]) -> None:
    """Makes letters due with the caller's transaction. A letter whose key is known is not written again."""
    now = clock.wall()
    values = [
        {
            "id": ids.uuid7(), "now": now, "recipient": one.recipient, "subject": _one_line(one.letter.subject),
            "body": one.letter.text(None), "key": one.key, "kind": one.kind, "about": one.about,
            "letter": json.dumps(one.letter.to_json()),
        }
        for one in notices
    ]  # fmt: skip
    if values:
        await session.execute(_WRITE_LETTER, values)
        wake(session)


async def write(session: AsyncSession, recipient: str, subject: str, body: str) -> UUID:
    """Makes a mail due with the caller's transaction; the body is forgotten once it was sent."""
    return (await write_all(session, [(recipient, subject, body)]))[0]


async def write_all(session: AsyncSession, mails: Sequence[tuple[str, str, str]]) -> list[UUID]:
    """`write` for several at once: recipient, subject and body of each."""
    now = clock.wall()
    made = [ids.uuid7() for _ in mails]
    values = [
        {"id": id, "now": now, "recipient": recipient, "subject": _one_line(subject), "body": body}
        for id, (recipient, subject, body) in zip(made, mails, strict=True)
    ]
    if values:
        await session.execute(_WRITE, values)
        wake(session)
    return made


def _one_line(subject: str) -> str:
    """A subject without line breaks and control characters: names of sellers and buyers stand in it."""
    printable = "".join(character if character.isprintable() else " " for character in subject)
    return " ".join(printable.split())


Send = Callable[[EmailMessage], Awaitable[None]]
IsOver = Callable[[AsyncSession, str, UUID], Awaitable[bool]]
"""Whether a letter of a kind about a resource is no longer true."""


async def _never(_: AsyncSession, __: str, ___: UUID) -> bool:
    return False


def sender(url: str) -> Send:
    """Sends to `smtp://user:password@host:port` (`smtps` for TLS from the first byte), or writes `.eml` files to `file:///folder`.

    Raises `ValueError` for any other address.
    """  # fmt: skip
    parts = urlsplit(url)
    if parts.scheme == "file":
        return _to_folder(Path(parts.path))
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("is neither file:///folder nor smtp://user:password@host:port")
    options: dict[str, Any] = {"hostname": parts.hostname, "use_tls": parts.scheme == "smtps", "timeout": 20}
    if parts.port:
        options["port"] = parts.port
    if parts.username:
        options |= {"username": unquote(parts.username), "password": unquote(parts.password or "")}

    async def over_smtp(message: EmailMessage) -> None:
        await aiosmtplib.send(message, **options)

    return over_smtp


def _to_folder(folder: Path) -> Send:
    async def into_folder(message: EmailMessage) -> None:
        def put() -> None:
            folder.mkdir(parents=True, exist_ok=True)
            name = f"{message['Message-ID'].strip('<>').partition('@')[0]}.eml"
            (folder / name).write_bytes(bytes(message))

        await asyncio.to_thread(put)

    return into_folder


def send_mails(
    send: Send, from_address: str, public_url: str = "", is_over: IsOver = _never
) -> Callable[[Sessions], Awaitable[int]]:
    """A timer's work: sends what is due, up to a batch, and tries again later what was refused.

    A letter that `is_over` is dropped. Links begin with `public_url`.
    """

    async def send_due(sessions: Sessions) -> int:
        now = clock.wall()
        async with sessions() as session:
            claim = {"now": now, "until": now + IN_HAND, "batch": BATCH}
            due = (await session.execute(_CLAIM, claim)).all()
        for mail in due:
            try:
                async with sessions() as session:
                    if mail.kind is not None and await is_over(session, mail.kind, mail.about):
                        await session.execute(_OVER, {"id": mail.id})
                        continue
                await send(_message(mail, from_address, public_url))
                outcome, values = _SENT, {"now": clock.wall(), "id": mail.id}
            except Exception as error:
                # Whatever a mail raises is its own failure: the others of the batch are sent.
                over = mail.attempts > len(WAITS)
                log.warning("mail.failed", mail_id=str(mail.id), attempt=mail.attempts, reason=type(error).__name__)
                due_at = None if over else clock.wall() + WAITS[mail.attempts - 1]
                outcome, values = _FAILED, {"due": due_at, "failure": repr(error)[:500], "over": over, "id": mail.id}
            async with sessions() as session:
                await session.execute(outcome, values)
        return len(due)

    return send_due


def timer(
    url: str, from_address: str, public_url: str = "", is_over: IsOver = _never, *, on_wake: bool = True
) -> Timer:
    """The worker's timer that sends what is due to `url`, by the machine's clock.

    Without `on_wake` it looks every five seconds only: for services whose worker is woken often, and mails seldom.
    """
    send = send_mails(sender(url), from_address, public_url.rstrip("/"), is_over)
    return Timer(
        "send_mails", send, every=timedelta(seconds=5), on_wake=on_wake, follows_clocks=False, ready=_is_any_due
    )


def _message(mail: Any, from_address: str, public_url: str) -> EmailMessage:
    message = EmailMessage()
    message["Message-ID"] = f"<{mail.id}@{from_address.rpartition('@')[2]}>"
    message["Date"] = format_datetime(mail.created_at)
    message["From"], message["To"], message["Subject"] = from_address, mail.recipient, mail.subject
    if mail.letter is None:
        message.set_content(mail.body)
    else:
        letter = Letter.from_json(mail.letter)
        message.set_content(letter.text(public_url))
        message.add_alternative(letter.html(public_url), subtype="html")
    return message
