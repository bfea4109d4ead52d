"""Books of tunes in ABC, one voice each.

Knows the words that folk-rnn's tokens say; a tune that needs others is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from arranger.notes import NoteSequence
from arranger.tokenizers.folk import FolkTokens
from arranger.tokenizers.folk_text import words

_TUNE = re.compile(r"(?m)^(?=X:)")


class Tune(NamedTuple):
    """A tune as words, always on C, and its notes. ``name``: its book and its place there."""

    name: str
    spoken: tuple[str, ...]
    notes: NoteSequence


def read_tunes(books: Iterable[Path]) -> Iterator[Tune]:
    """The tunes of each book, in order."""
    tokens = FolkTokens()
    for book in books:
        text = book.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")
        for n, tune in enumerate(_TUNE.split(text)[1:]):
            try:
                spoken = tuple(words(tune))
                notes = tokens.decode(tokens.encode_words(spoken))
            except ValueError:  # what the words cannot say
                continue
            yield Tune(f"{book.parent.name}-{book.stem}-{n}", spoken, notes)
