"""Jobs as they are kept: what a store promises, whatever keeps it.

A job is claimed by one runner under a lease. A runner that is not heard of before its lease ends
is taken for dead, and the job may be claimed again; what it then tries to write is refused. So a
job runs to its end exactly once in effect, although a file of it may be worked on twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

State = Literal["waiting", "running", "done", "failed", "cancelled"]
FileState = Literal["waiting", "done", "failed"]


class StoreError(Exception):
    """The store cannot be used now; the message is one sentence. ``full``: for want of room."""

    def __init__(self, sentence: str, full: bool = False) -> None:
        super().__init__(sentence)
        self.full = full


class LeaseLostError(Exception):
    """The job is another runner's now, or was cancelled."""


@dataclass(frozen=True)
class JobFile:
    """One file of a job. ``attempts`` counts how often it was begun."""

    number: int
    name: str
    suffix: str
    state: FileState
    attempts: int
    problem: str | None


@dataclass(frozen=True)
class JobRecord:
    """``options`` is JSON; ``created`` and ``finished`` are seconds since 1970."""

    id: str
    work: str
    options: str
    state: State
    created: float
    finished: float | None
    problem: str | None
    files: tuple[JobFile, ...]


class JobStore(Protocol):
    """Raises StoreError where it cannot be used, LeaseLostError where a claim has ended."""

    def create(self, job_id: str, work: str, options: str, files: list[tuple[str, str]]) -> None:
        """Keep a new job; ``files`` are names and suffixes."""

    def get(self, job_id: str) -> JobRecord | None: ...

    def waiting(self) -> int:
        """How many jobs have not come to an end."""

    def cancel(self, job_id: str) -> None:
        """End a job that has not ended; nothing for one that has."""

    def delete(self, job_id: str) -> None: ...

    def ended_before(self, time: float) -> list[str]:
        """The jobs that ended before ``time``."""

    def claim(self, owner: str, seconds: float) -> JobRecord | None:
        """The oldest job that nobody works on, now claimed by ``owner`` for so long."""

    def renew(self, job_id: str, owner: str, seconds: float) -> None: ...

    def begin_file(self, job_id: str, owner: str, number: int) -> int:
        """Count an attempt at a file: the number of attempts, this one included."""

    def finish_file(self, job_id: str, owner: str, number: int, problem: str | None) -> None: ...

    def finish(self, job_id: str, owner: str, state: State, problem: str | None = None) -> None: ...
