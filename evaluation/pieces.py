"""Reference pieces, and what it takes to label one.

Knows how to gather reference scores from files and folders, and the two shapes a scorer can have.
Does not know file formats (``arranger.files`` does), models, metrics or pictures.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from arranger.arrangement import Arrangement
from arranger.ensembles import Ensemble
from arranger.hints import Hints
from arranger.notes import NoteSequence

IntArray = NDArray[np.int64]

NO_SCORE = "split.json"
"""A file of a prepared corpus that has the suffix of a score and is none."""


@dataclass(frozen=True)
class Piece:
    """A reference arrangement: its notes and the part of each, shape (N,)."""

    name: str
    notes: NoteSequence
    parts: IntArray

    def on_grid(self, resolution: int) -> Piece:
        """The same piece on ``resolution`` ticks a quarter."""
        notes, order = self.notes.on_grid(resolution)
        return Piece(self.name, notes, self.parts[order])


class Labeller(Protocol):
    """Whatever gives each note a part: a model in one of its modes, or a baseline."""

    @property
    def name(self) -> str: ...

    def label(self, notes: NoteSequence, hints: Hints) -> Arrangement: ...


@runtime_checkable
class Oracle(Protocol):
    """A scorer that is shown the reference of each piece before it labels it: an upper bound."""

    @property
    def name(self) -> str: ...

    def informed(self, notes: NoteSequence, parts: IntArray) -> Labeller: ...


def _to_stderr(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def read_references(
    paths: Iterable[str | Path],
    ensemble: Ensemble,
    names: Iterable[str] | None = None,
    warn: Callable[[str], None] = _to_stderr,
) -> list[Piece]:
    """The reference pieces in ``paths``, files and folders, in order of name within a folder.

    ``names`` keeps only the files that it lists, with or without their suffix. A file without any
    part of ``ensemble``, or one in a folder that cannot be read, is passed over and ``warn`` is
    called with a sentence that says so. A file that was named itself and cannot be read raises
    ``FileError``; ValueError if no reference is left.
    """
    from arranger.files import read
    from arranger.files.score import FileError

    files = [Path(path) for path in paths]
    wanted = None if names is None else set(names)
    pieces = []
    for path, was_named in _expand(files):
        if wanted is not None:
            if not wanted & {path.name, path.stem}:
                continue
            wanted -= {path.name, path.stem}
        try:
            score = read(path)
        except FileError as error:
            if was_named:
                raise
            warn(f"skipped: {error}")
            continue
        for sentence in score.warnings:
            warn(f"{path}: {sentence}")
        notes, parts = score.reference(ensemble)
        if len(notes) == 0:
            tracks = ", ".join(sorted({track.name or "unnamed" for track in score.tracks}))
            warn(
                f"skipped: {path}: none of its tracks ({tracks or 'none'}) is a part of "
                f"{ensemble.name} ({', '.join(ensemble.names)})"
            )
            continue
        pieces.append(Piece(path.stem, notes, parts))
    if wanted:
        raise ValueError(f"not found among the references: {', '.join(sorted(wanted))}")
    if not pieces:
        where = ", ".join(map(str, files[:3])) or "an empty list of files"
        where += f" and {len(files) - 3:,} more" if len(files) > 3 else ""
        raise ValueError(f"{where}: no reference score for the ensemble {ensemble.name}")
    return pieces


def _expand(paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Each file, and whether it was named itself rather than found in a folder.

    Of a folder, only files with the suffix of a score; all others are passed over in silence.
    """
    from arranger.files.formats import READABLE

    for path in paths:
        if path.is_dir():
            found = (p for p in path.rglob("*") if p.suffix.lower() in READABLE and p.is_file())
            yield from ((p, False) for p in sorted(found) if p.name != NO_SCORE)
        else:
            yield path, True
