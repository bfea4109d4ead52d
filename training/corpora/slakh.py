"""A song of Slakh2100 as it is downloaded: a folder with all_src.mid, metadata.yaml and MIDI/.

Knows these files and the grid that the pop corpus was made on. There, a note lies on the sixteenths
of the song's quarters that are nearest in time, and lasts one at least; the tempo is then of no
account and written as 120 (github.com/zhaojw1998/Query-and-reArrange, ``data/slakh2100.py``). Does
not know parts.

In the stems, basses have been folded up by octaves: none of their notes lies below 47. In a song
where that is so, every bass note at or below 58 is brought down an octave. A song with a lower bass
note is taken as it is.

Tried on songs made for the purpose only: the download was not at hand. A quarter is taken to be a
beat, as it is in 2/4 and 4/4, the meters of all songs of the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from arranger.files import FileError, Score, read
from arranger.files.building import DocumentBuilder
from arranger.files.document import TEMPO, Document
from arranger.notes import Note, NoteSequence

BASSES = range(32, 40)
LOWEST_FOLDED = 47
HIGHEST_FOLDED = 58

_RESOLUTION = 480
_STEP = _RESOLUTION // 4
"""Ticks of a sixteenth."""


def read_song(folder: Path) -> Score:
    """The song on its sixteenths, 480 ticks a quarter, without drums.

    A folder without stems gives the tracks of all_src.mid. FileError where a file cannot be used.
    """
    whole = read(folder / "all_src.mid")
    grid = _sixteenths(whole.document)
    lines = [
        (program, _on_grid(notes, document, grid))
        for program, notes, document in _lines(folder, whole)
    ]
    basses = [note.pitch for program, notes in lines if program in BASSES for note in notes]
    folded = bool(basses) and min(basses) >= LOWEST_FOLDED
    builder = DocumentBuilder(_RESOLUTION)
    builder.add_tempo(0, 120)
    for program, notes in lines:
        if folded and program in BASSES:
            notes = [_unfolded(note) for note in notes]
        builder.add_track(None, program, False, notes)
    return Score.from_document(builder.document())


def _lines(folder: Path, whole: Score) -> Iterator[tuple[int, NoteSequence, Document]]:
    """Program and notes of each instrument, and the document whose ticks they are in."""
    if (folder / "MIDI").is_dir():
        for name, program in _programs(folder / "metadata.yaml").items():
            path = folder / "MIDI" / f"{name}.mid"
            if path.is_file():
                stem = read(path)
                yield program, stem.notes, stem.document
    else:
        for i, track in enumerate(whole.tracks):
            yield track.program or 0, whole.notes.take(whole.track == i), whole.document


def _programs(path: Path) -> dict[str, int]:
    """The program of each stem, drums left out."""
    try:
        stems = yaml.safe_load(path.read_text(encoding="utf-8"))["stems"]
        return {
            str(name): int(stem["program_num"])
            for name, stem in stems.items()
            if not stem["is_drum"]
        }
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileError(f"{path}: not the metadata of a song of Slakh2100") from error


def _sixteenths(document: Document) -> NDArray[np.float64]:
    """The time of each sixteenth of the piece, in seconds; four divide a quarter evenly."""
    end = max((events[-1][0] for events in document.tracks), default=0)
    quarters = np.arange(end // document.resolution + 2)
    times = _seconds(document, quarters * document.resolution)
    return np.interp(np.arange(4 * quarters[-1]) / 4, quarters, times)


def _seconds(document: Document, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
    """The time of each tick in seconds."""
    tempi = {0: 500_000}  # microseconds a quarter
    tempi.update((tick, int.from_bytes(payload)) for tick, payload in document.metas(TEMPO))
    changes, lengths = np.array(list(tempi)), np.array(list(tempi.values()))
    elapsed = np.append(0, np.cumsum(np.diff(changes) * lengths[:-1]))
    i = np.searchsorted(changes, ticks, side="right") - 1
    seconds: NDArray[np.float64] = elapsed[i] + (ticks - changes[i]) * lengths[i]
    return seconds / (1e6 * document.resolution)


def _on_grid(notes: NoteSequence, document: Document, grid: NDArray[np.float64]) -> list[Note]:
    """The notes on the grid; of notes that begin there together on one pitch, the last to end."""
    first = _nearest(grid, _seconds(document, notes.onset))
    last = _nearest(grid, _seconds(document, notes.offset))
    last = np.where(last == first, np.minimum(first + 1, len(grid) - 1), last)
    found: dict[tuple[int, int], Note] = {}
    for i in np.argsort(notes.offset, kind="stable").tolist():
        pitch, velocity = int(notes.pitch[i]), int(notes.velocity[i])
        onset, duration = int(first[i]) * _STEP, int(last[i] - first[i]) * _STEP
        if duration:
            found[onset, pitch] = Note(onset, pitch, duration, velocity)
    return list(found.values())


def _nearest(grid: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.int64]:
    """The index of the nearest value in ``grid``, the earlier of two."""
    above = np.clip(np.searchsorted(grid, times), 1, len(grid) - 1)
    return above - (times - grid[above - 1] <= grid[above] - times)


def _unfolded(note: Note) -> Note:
    return note._replace(pitch=note.pitch - 12) if note.pitch <= HIGHEST_FOLDED else note
