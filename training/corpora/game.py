"""Music of the Nintendo Entertainment System: NES-MDB in its MIDI format (``nesmdb_midi``).

Knows the two pulse waves and the triangle; the noise is drums and left out. The files have no beat
grid: a quarter is 22,050 ticks at 120 a minute, so that a tick is a sample, and they are kept so,
notes shorter than any grid included.

Verified on a copy of NES-MDB's MIDI files, less the reserved games.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from arranger.ensembles import load_ensemble
from arranger.files import read

from .folders import (
    Prepared,
    Split,
    by_stem,
    find_files,
    names_in,
    open_corpus,
    published_split,
    require,
    write_corpus,
)
from .references import Reference, reference_of

MIN_VOICES = 2
MIN_NOTES = 11
"""A piece is used if so many voices, or more, have so many notes each."""


def prepare_game(
    out_dir: Path, source: Path, split: Split | None = None, progress: bool = True
) -> Prepared:
    """Write the pieces of ``split`` (None: that of the reported numbers) to ``out_dir``.

    ``source`` holds NES-MDB's MIDI files, by their names, in any folders.
    """
    split = published_split("game") if split is None else split
    found = by_stem(find_files(source, ".mid"))
    expected = "NES-MDB as MIDI (nesmdb_midi, with train, valid and test)"
    require(names_in(split), found, source, expected)
    open_corpus(out_dir, source)
    ensemble = load_ensemble("game")

    def read_piece(name: str) -> Reference | None:
        reference = reference_of(read(found[Path(name).stem]), ensemble)
        voices = np.bincount(reference.parts, minlength=len(ensemble))
        return reference if np.sum(voices >= MIN_NOTES) >= MIN_VOICES else None

    return write_corpus(out_dir, split, ensemble, read_piece, progress=progress)
