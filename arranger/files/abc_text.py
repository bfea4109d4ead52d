"""ABC: the text of the first tune in a file, and its stream.

Knows how tunes follow each other in a file. Leaves the notation itself to music21.
"""

from __future__ import annotations

import re
from typing import Any

from .limits import MAX_TUNE_BYTES
from .score import FileError

_REFERENCE = re.compile(r"^[ \t]*X[ \t]*:", re.MULTILINE)
_BLANK = re.compile(r"\n[ \t]*\n")


def first_tune(data: bytes, name: str) -> tuple[str, int]:
    """The first tune with what stands above it, and how many more there are."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    begins = [match.start() for match in _REFERENCE.finditer(text)]
    if "\0" in text or not re.search(r"^[ \t]*K[ \t]*:", text, re.MULTILINE):
        raise FileError(f"{name}: not an ABC file (no line gives a key, such as K:C)")
    if len(begins) > 1:
        text = text[: begins[1]]
    if begins:
        # A tune ends at the first blank line behind its key.
        key = re.search(r"^[ \t]*K[ \t]*:", text, re.MULTILINE)
        blank = _BLANK.search(text, key.end()) if key else None
        text = text[begins[0] : blank.start() if blank else None]
    if len(text) > MAX_TUNE_BYTES:
        raise FileError(
            f"{name}: a tune of {len(text):,} characters, but at most {MAX_TUNE_BYTES:,} are read"
        )
    return text + "\n", max(0, len(begins) - 1)


def stream_of(tune: str) -> Any:
    """The music21 score of one tune."""
    from music21 import abcFormat
    from music21.abcFormat.translate import abcToStreamScore

    return abcToStreamScore(abcFormat.ABCFile().readstr(tune))
