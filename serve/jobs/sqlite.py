"""Jobs kept in a file by SQLite, shared by all processes of a machine.

Knows SQL; not what jobs do.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from .store import JobFile, JobRecord, LeaseLostError, State, StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, work TEXT NOT NULL, options TEXT NOT NULL, state TEXT NOT NULL,
    created REAL NOT NULL, finished REAL, problem TEXT, owner TEXT, lease REAL
) STRICT;
CREATE TABLE IF NOT EXISTS files (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL,
    name TEXT NOT NULL, suffix TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
    attempts INTEGER NOT NULL DEFAULT 0, problem TEXT, PRIMARY KEY (job, number)
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, created);
"""
_OPEN = "state IN ('waiting', 'running')"


class SqliteStore:
    """``patience``: for how many seconds a locked file is waited for."""

    def __init__(self, path: Path, patience: float = 5.0) -> None:
        self._path = path
        self._patience = patience
        self._prepared = False

    def create(self, job_id: str, work: str, options: str, files: list[tuple[str, str]]) -> None:
        with self._transaction() as db:
            db.execute(
                "INSERT INTO jobs (id, work, options, state, created) VALUES (?, ?, ?, ?, ?)",
                (job_id, work, options, "waiting", time.time()),
            )
            db.executemany(
                "INSERT INTO files (job, number, name, suffix) VALUES (?, ?, ?, ?)",
                [(job_id, number, *file) for number, file in enumerate(files)],
            )

    def get(self, job_id: str) -> JobRecord | None:
        with self._transaction("DEFERRED") as db:
            return _record(db, job_id)

    def waiting(self) -> int:
        with self._transaction("DEFERRED") as db:
            (count,) = db.execute(f"SELECT count(*) FROM jobs WHERE {_OPEN}").fetchone()
            return int(count)

    def cancel(self, job_id: str) -> None:
        with self._transaction() as db:
            db.execute(
                f"UPDATE jobs SET state = 'cancelled', finished = ? WHERE id = ? AND {_OPEN}",
                (time.time(), job_id),
            )

    def delete(self, job_id: str) -> None:
        with self._transaction() as db:
            db.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def ended_before(self, time: float) -> list[str]:
        with self._transaction("DEFERRED") as db:
            rows = db.execute("SELECT id FROM jobs WHERE finished < ?", (time,)).fetchall()
            return [job_id for (job_id,) in rows]

    def claim(self, owner: str, seconds: float) -> JobRecord | None:
        now = time.time()
        with self._transaction() as db:
            found = db.execute(
                "SELECT id FROM jobs WHERE state = 'waiting' OR (state = 'running' AND lease < ?) "
                "ORDER BY created LIMIT 1",
                (now,),
            ).fetchone()
            if found is None:
                return None
            db.execute(
                "UPDATE jobs SET state = 'running', owner = ?, lease = ? WHERE id = ?",
                (owner, now + seconds, found[0]),
            )
            return _record(db, found[0])

    def renew(self, job_id: str, owner: str, seconds: float) -> None:
        with self._transaction() as db:
            changed = db.execute(
                "UPDATE jobs SET lease = ? WHERE id = ? AND owner = ? AND state = 'running'",
                (time.time() + seconds, job_id, owner),
            )
            _held(changed)

    def begin_file(self, job_id: str, owner: str, number: int) -> int:
        with self._transaction() as db:
            _check(db, job_id, owner)
            (attempts,) = db.execute(
                "UPDATE files SET attempts = attempts + 1 WHERE job = ? AND number = ? "
                "RETURNING attempts",
                (job_id, number),
            ).fetchone()
            return int(attempts)

    def finish_file(self, job_id: str, owner: str, number: int, problem: str | None) -> None:
        with self._transaction() as db:
            _check(db, job_id, owner)
            db.execute(
                "UPDATE files SET state = ?, problem = ? WHERE job = ? AND number = ?",
                ("failed" if problem else "done", problem, job_id, number),
            )

    def finish(self, job_id: str, owner: str, state: State, problem: str | None = None) -> None:
        with self._transaction() as db:
            changed = db.execute(
                "UPDATE jobs SET state = ?, problem = ?, finished = ? "
                "WHERE id = ? AND owner = ? AND state = 'running'",
                (state, problem, time.time(), job_id, owner),
            )
            _held(changed)

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._connection()) as db:
                db.execute(f"BEGIN {kind}")
                try:
                    yield db
                except BaseException:
                    if db.in_transaction:  # SQLite itself ends one for which there is no room
                        db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
        except sqlite3.Error as error:
            full = error.sqlite_errorcode == sqlite3.SQLITE_FULL if _coded(error) else False
            raise StoreError(f"the jobs cannot be kept or found now: {error}", full) from error
        except OSError as error:
            raise StoreError(f"the jobs cannot be kept or found now: {error.strerror}") from error

    def _connection(self) -> sqlite3.Connection:
        if not self._prepared:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=self._patience, isolation_level=None)
        try:
            if not self._prepared:
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(_SCHEMA)
                self._prepared = True
            db.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            db.close()
            raise
        return db


def _coded(error: sqlite3.Error) -> bool:
    return hasattr(error, "sqlite_errorcode")


def _check(db: sqlite3.Connection, job_id: str, owner: str) -> None:
    found = db.execute(
        "SELECT 1 FROM jobs WHERE id = ? AND owner = ? AND state = 'running'", (job_id, owner)
    ).fetchone()
    if found is None:
        raise LeaseLostError(job_id)


def _held(changed: sqlite3.Cursor) -> None:
    if changed.rowcount != 1:
        raise LeaseLostError


def _record(db: sqlite3.Connection, job_id: str) -> JobRecord | None:
    job = db.execute(
        "SELECT work, options, state, created, finished, problem FROM jobs WHERE id = ?",
        (job_id,),
    ).fetchone()
    if job is None:
        return None
    files = db.execute(
        "SELECT number, name, suffix, state, attempts, problem FROM files WHERE job = ? "
        "ORDER BY number",
        (job_id,),
    ).fetchall()
    found = tuple(JobFile(*file) for file in files)
    work, options, state, created, finished, problem = job
    return JobRecord(job_id, work, options, state, created, finished, problem, found)
