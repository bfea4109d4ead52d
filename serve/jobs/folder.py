"""The files of jobs on disk: what was sent, and what came of it.

Names are numbers, never what a client called a file. Results appear whole or not at all.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from uuid import uuid4

RESULTS = "results"


class JobFolder:
    """A folder for each job below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_sent(self, job_id: str, number: int, data: bytes) -> None:
        """Keep a file that was sent."""
        _write(self._sent(job_id, number), data)

    def sent(self, job_id: str, number: int) -> bytes:
        return self._sent(job_id, number).read_bytes()

    def put_result(self, job_id: str, name: str, data: bytes) -> None:
        """Keep a result, in place of an earlier one of that name."""
        _write(self.result(job_id, name), data)

    def result(self, job_id: str, name: str) -> Path:
        """Where the result of that name is, or will be."""
        return self._root / job_id / name

    def delete(self, job_id: str) -> None:
        """Forget all files of a job."""
        shutil.rmtree(self._root / job_id, ignore_errors=True)

    def ids(self) -> list[str]:
        """The jobs that have a folder."""
        return [path.name for path in self._root.glob("*") if path.is_dir()]

    def _sent(self, job_id: str, number: int) -> Path:
        return self._root / job_id / f"sent-{number}"


def _write(path: Path, data: bytes) -> None:
    """Write all of ``data`` or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}-{uuid4().hex}")
    try:
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
