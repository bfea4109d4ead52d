"""The process that reads files for a Reader: ``python -m serve.apart LINE MEGABYTES``.

LINE is the number of an open file descriptor. Down the line come files; each is answered by a
Score, or by a sentence that says why there is none.
"""

from __future__ import annotations

import contextlib
import resource
import sys
from multiprocessing.connection import Connection

from arranger.files import FileError, read_bytes


def main(line: Connection, megabytes: int) -> None:
    """Read what comes down the line until it is closed."""
    most = megabytes * 1_000_000
    with contextlib.suppress(ValueError, OSError):  # a lower limit may stand already
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    import music21  # noqa: F401  so that no file waits for it

    while True:
        try:
            data, suffix, name = line.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            line.send(read_bytes(data, suffix, name))
        except FileError as error:
            line.send(str(error))
        except MemoryError:
            line.send(f"{name}: reading it takes more than {megabytes:,} MB of memory")


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])), int(sys.argv[2]))
