"""Everything the sandbox knows, in one SQLite file: what an answer told is there after a kill.

Our own resources are JSON documents. localstripe's objects live in its global dictionary; those that a request touched
are written to the same file in the same transaction.
"""

import json
import pickle
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from localstripe import resources as local

_TABLES = """
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, object TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS documents_object ON documents (object, number);
CREATE TABLE IF NOT EXISTS local_objects (number INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY, event_id TEXT NOT NULL, attempt INTEGER NOT NULL, due_at REAL NOT NULL,
    delivered_at REAL
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at) WHERE delivered_at IS NULL;
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, at REAL NOT NULL
);
"""
ANSWERS_LAST_SECONDS = 24 * 60 * 60


class Store:
    """The documents, and localstripe's objects beside them."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _TABLES)
        self._touched: set[str] = set()
        self._take_over_local_objects()

    def _take_over_local_objects(self) -> None:
        """Makes localstripe's dictionary a copy of ours, and notes which of its objects a request reads or writes."""
        touched = self._touched

        def put(this: dict[str, Any], key: str, value: Any) -> None:
            dict.__setitem__(this, key, value)
            touched.add(key)

        def drop(this: dict[str, Any], key: str) -> None:
            dict.__delitem__(this, key)
            touched.add(key)

        def get(this: dict[str, Any], key: str, default: Any = None) -> Any:
            touched.add(key)
            return dict.get(this, key, default)

        local.Store.__setitem__, local.Store.__delitem__, local.Store.get = put, drop, get
        local.Store.dump_to_disk = lambda _: None
        local.store.clear()
        for key, body in self._db.execute("SELECT key, body FROM local_objects ORDER BY number"):
            dict.__setitem__(local.store, key, pickle.loads(body))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; must not be held over an `await`."""
        self._touched.clear()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._write_local_objects()
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _write_local_objects(self) -> None:
        for key in self._touched:
            found = dict.get(local.store, key)
            if found is None:
                self._db.execute("DELETE FROM local_objects WHERE key = ?", (key,))
            else:
                self._db.execute(
                    "INSERT INTO local_objects (key, body) VALUES (?, ?) "
                    "ON CONFLICT (key) DO UPDATE SET body = excluded.body",
                    (key, pickle.dumps(found)),
                )
        self._touched.clear()

    def new(self, object: str, prefix: str, fields: dict[str, Any]) -> dict[str, Any]:
        """A new document with an id, written."""
        document = {
            "id": f"{prefix}_{local.random_id(24)}",
            "object": object,
            "created": int(time.time()),
            "livemode": False,
            **fields,
        }
        self._db.execute(
            "INSERT INTO documents (id, object, body) VALUES (?, ?, ?)",
            (document["id"], object, json.dumps(document)),
        )
        return document

    def save(self, document: dict[str, Any]) -> None:
        """Writes a document that has changed."""
        self._db.execute("UPDATE documents SET body = ? WHERE id = ?", (json.dumps(document), document["id"]))

    def find(self, object: str, id: str) -> dict[str, Any] | None:
        """A document, or None."""
        row = self._db.execute("SELECT body FROM documents WHERE id = ? AND object = ?", (id, object)).fetchone()
        return cast(dict[str, Any], json.loads(row[0])) if row else None

    def all(self, object: str) -> list[dict[str, Any]]:
        """Every document of a kind, the latest first, as Stripe lists them."""
        rows = self._db.execute("SELECT body FROM documents WHERE object = ? ORDER BY number DESC", (object,))
        return [json.loads(row[0]) for row in rows]

    def count(self, object: str, condition: str = "TRUE") -> int:
        """How many documents of a kind there are for which an expression over `body` is true."""
        row = self._db.execute(f"SELECT count(*) FROM documents WHERE object = ? AND {condition}", (object,))
        return int(row.fetchone()[0])

    def ids(self, object: str, condition: str) -> list[str]:
        """The ids of the documents of a kind for which an expression over `body` is true."""
        rows = self._db.execute(f"SELECT id FROM documents WHERE object = ? AND {condition}", (object,))
        return [row[0] for row in rows]

    def total(self, object: str, name: str, condition: str = "TRUE") -> int:
        """The sum of a number over the documents of a kind for which an expression over `body` is true."""
        statement = f"SELECT coalesce(sum(json_extract(body, '$.{name}')), 0) FROM documents WHERE object = ?"
        return int(self._db.execute(f"{statement} AND {condition}", (object,)).fetchone()[0])

    def repeated(self, object: str, name: str, condition: str = "TRUE") -> int:
        """How many values (not null) more than one document of a kind has, of those for which an expression is true."""
        value = f"json_extract(body, '$.{name}')"
        statement = f"SELECT {value} AS value FROM documents WHERE object = ? AND {condition} AND {value} IS NOT NULL"
        counted = f"SELECT count(*) FROM ({statement} GROUP BY 1 HAVING count(*) > 1)"
        return int(self._db.execute(counted, (object,)).fetchone()[0])

    def deliver(self, event_id: str, times: int = 1) -> None:
        """Puts an event's call-back in line."""
        for _ in range(times):
            self._db.execute(
                "INSERT INTO deliveries (event_id, attempt, due_at) VALUES (?, 0, ?)", (event_id, time.time())
            )

    def due(self, *, latest_first: bool, limit: int) -> list[tuple[int, str, int]]:
        """Call-backs whose time has come: number, id of the event, attempts so far."""
        order = "DESC" if latest_first else "ASC"
        rows = self._db.execute(
            f"SELECT number, event_id, attempt FROM deliveries WHERE delivered_at IS NULL AND due_at <= ? "
            f"ORDER BY number {order} LIMIT ?",
            (time.time(), limit),
        )
        return list(rows.fetchall())

    def next_due_at(self) -> float | None:
        """When the next call-back's time comes."""
        row = self._db.execute("SELECT min(due_at) FROM deliveries WHERE delivered_at IS NULL").fetchone()
        return cast(float | None, row[0])

    def delivered(self, number: int) -> None:
        """A call-back was taken."""
        self._db.execute("UPDATE deliveries SET delivered_at = ? WHERE number = ?", (time.time(), number))

    def retry(self, number: int, seconds: float) -> None:
        """A call-back was not taken: again after some seconds."""
        self._db.execute(
            "UPDATE deliveries SET attempt = attempt + 1, due_at = ? WHERE number = ?", (time.time() + seconds, number)
        )

    def deliveries(self) -> dict[str, int]:
        """How many call-backs were taken and how many wait."""
        row = self._db.execute("SELECT count(delivered_at), count(*) - count(delivered_at) FROM deliveries").fetchone()
        return {"delivered": row[0], "waiting": row[1]}

    def answer(self, key: str) -> tuple[str, int, str] | None:
        """What a request with this idempotency key was answered: its fingerprint, status and body."""
        row = self._db.execute(
            "SELECT request, status, body FROM answers WHERE key = ? AND at > ?",
            (key, time.time() - ANSWERS_LAST_SECONDS),
        ).fetchone()
        return cast(tuple[str, int, str] | None, row)

    def keep_answer(self, key: str, request: str, status: int, body: str) -> None:
        """Keeps an answer for whoever repeats the request."""
        self._db.execute(
            "INSERT OR REPLACE INTO answers (key, request, status, body, at) VALUES (?, ?, ?, ?, ?)",
            (key, request, status, body, time.time()),
        )

    def clear(self) -> None:
        """Forgets everything."""
        local.store.clear()
        for table in ("documents", "local_objects", "deliveries", "answers"):
            self._db.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        """Closes the file."""
        self._db.close()
