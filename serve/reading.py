"""Uploads as scores, so that no file can stall or exhaust the process that serves.

Small files of MIDI and JSON are read in place; larger ones, and all notation, in a process of
their own that is ended when it takes too long. Knows files; not requests.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from arranger.files import FileError, Score, read_bytes

from .settings import Reading
from .uploads import Upload

_AT_ONCE = {".mid", ".midi", ".json"}


class Reader:
    """Reads uploads for one process that serves. Threads share it; the other process is started
    when it is first needed, and ends with this one."""

    def __init__(self, settings: Reading) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None

    def reads_apart(self, upload: Upload) -> bool:
        """Whether an upload is read in the other process."""
        small = len(upload.data) <= self._settings.in_place_bytes
        return not (small and upload.suffix in _AT_ONCE)

    def read(self, upload: Upload) -> Score:
        """FileError for a file that cannot be used, or that takes too much to be read."""
        if not self.reads_apart(upload):
            return read_bytes(upload.data, upload.suffix, upload.name)
        with self._lock:
            return self._read_apart(upload)

    def close(self) -> None:
        """End the other process."""
        with self._lock:
            self._end()

    def _read_apart(self, upload: Upload) -> Score:
        seconds, line = self._settings.seconds, self._started()
        try:
            line.send((upload.data, upload.suffix, upload.name))
            if not line.poll(seconds):
                self._end()
                raise FileError(f"{upload.name}: reading it takes longer than {seconds:g} seconds")
            answer = line.recv()
        except (EOFError, OSError) as error:
            self._end()
            raise FileError(f"{upload.name}: reading it takes more than can be given") from error
        if isinstance(answer, Score):
            return answer
        raise FileError(answer)

    def _started(self) -> Connection:
        if self._line is not None and self._process is not None and self._process.poll() is None:
            return self._line
        self._end()
        self._line, theirs = Pipe()
        command = [sys.executable, "-m", "serve.apart", str(theirs.fileno())]
        self._process = subprocess.Popen(
            [*command, str(self._settings.megabytes)], pass_fds=[theirs.fileno()]
        )
        theirs.close()
        return self._line

    def _end(self) -> None:
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._line = None
