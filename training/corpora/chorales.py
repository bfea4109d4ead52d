"""The Bach chorales out of the music21 package.

Knows music21, which it imports only when it is asked to read. Does not know how a corpus is kept.

The preparation is that of the published experiments (Dong et al. 2021): four parts, repeats not
written out, tied notes joined, grace notes left out, 24 ticks a quarter. With music21 10.5 it gives
their notes in 378 of the 379 chorales; in bwv113.8 one tenor note has since been corrected.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from arranger.ensembles import load_ensemble
from arranger.files.document import METER, TEMPO
from arranger.notes import DEFAULT_VELOCITY, MODEL_RESOLUTION, Meter, NoteSequence

from .folders import (
    SUBSETS,
    Prepared,
    Split,
    close_corpus,
    open_corpus,
    published_split,
)
from .references import MetaEvent, Reference, write_reference

_SUFFIXES = (".mxl", ".xml", ".krn")
_VOICE = re.compile(r"(Soprano|Alto|Tenor|Bass)(?!\s*\d)")
"""What the name of a staff that is a voice begins with. The published experiments pass over a
voice that is divided ("Soprano 1", "Soprano 2"), and so does this."""

_TEMPO = 500_000


class ChoraleNote(NamedTuple):
    """A note of a prepared chorale, in ticks of ``MODEL_RESOLUTION`` a quarter."""

    onset: int
    pitch: int
    duration: int


class Chorale(NamedTuple):
    """``parts`` maps Soprano, Alto, Tenor and Bass to their notes, in order."""

    parts: dict[str, list[ChoraleNote]]
    meters: list[Meter]


def prepare_chorales(
    out_dir: str | Path,
    source: str | Path | None = None,
    split: Split | None = None,
    reserved: Iterable[str] = (),
    workers: int | None = None,
    progress: bool = True,
) -> Prepared:
    """Write the chorales of ``split``, less the reserved ones, as MIDI files to ``out_dir``.

    ``source`` is a folder of scores named by their BWV numbers; None: the one inside music21.
    ``split`` None: that of the reported numbers. ``reserved`` names further pieces to leave out.
    """
    split = dict(published_split("chorales") if split is None else split)
    held_back = {Path(name).stem for name in (*reserved, *split["reserved"])}
    for subset in SUBSETS:
        split[subset] = [name for name in split[subset] if Path(name).stem not in held_back]
    names = [name for subset in SUBSETS for name in split[subset]]

    folder = music21_corpus() / "bach" if source is None else Path(source)
    out_dir = Path(out_dir)
    scores = [find_score(folder, Path(name).stem) for name in names]
    open_corpus(out_dir, folder)

    counts = _mapped(partial(_convert, out_dir=out_dir), scores, workers or os.cpu_count() or 1)
    bar = tqdm(counts, total=len(names), desc="chorales", unit="piece", disable=not progress)
    notes = dict(zip(names, bar, strict=True))

    licence = folder.parent / "license.txt"
    if licence.is_file():
        shutil.copyfile(licence, out_dir / "LICENSE-music21-corpus.txt")
    close_corpus(out_dir, split)
    return Prepared(split, notes)


def music21_corpus() -> Path:
    """The folder of the scores that come with the installed music21."""
    import music21

    return Path(music21.__file__).parent / "corpus"


def find_score(folder: Path, name: str) -> Path:
    """The score of ``name`` in ``folder``; ValueError if there is none.

    A few chorales are there in two encodings, which differ; the compressed MusicXML is the one
    that the published experiments read.
    """
    for suffix in _SUFFIXES:
        path = folder / f"{name}{suffix}"
        if path.is_file():
            return path
    raise ValueError(f"{folder}: no score of {name} here (looked for {', '.join(_SUFFIXES)})")


def read_chorale(path: Path) -> Chorale:
    """The four voices of a score, without the instruments that double or accompany them."""
    from music21 import converter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # music21 comments on notation; the notes are as they are
        try:
            score = converter.parseFile(path, forceSource=True, storePickle=False)
        except Exception as error:  # music21 raises whatever its parsers meet
            raise ValueError(f"{path}: not a readable score ({type(error).__name__})") from error
    parts: dict[str, list[ChoraleNote]] = {part.name: [] for part in load_ensemble("chorale").parts}
    meters: list[Meter] = []
    for staff in score.parts:
        voice = _VOICE.match(staff.partName or "")
        if voice and not parts[voice[1]]:
            parts[voice[1]] = _joined_notes(staff)
            meters = meters or _meters(staff)
    return Chorale(parts, meters)


def write_chorale(chorale: Chorale, path: Path) -> None:
    """Write ``chorale`` as a MIDI file with a track for each voice."""
    ensemble = load_ensemble("chorale")
    rows, parts = [], []
    for part, name in enumerate(ensemble.names):
        rows += [(*note, DEFAULT_VELOCITY) for note in chorale.parts[name]]
        parts += [part] * len(chorale.parts[name])
    notes, order = NoteSequence.from_rows(rows)
    conductor = [MetaEvent(0, TEMPO, _TEMPO.to_bytes(3))]
    for tick, numerator, denominator in chorale.meters:
        payload = bytes((numerator, denominator.bit_length() - 1, 24, 8))
        conductor.append(MetaEvent(tick, METER, payload))
    reference = Reference(notes, np.array(parts, dtype=np.int64)[order], tuple(conductor))
    write_reference(path, reference, ensemble)


def _convert(score: Path, out_dir: Path) -> int:
    """Read one score, write it, and return how many notes it has."""
    chorale = read_chorale(score)
    write_chorale(chorale, out_dir / f"{score.stem}.mid")
    return sum(map(len, chorale.parts.values()))


def _mapped(function: Any, items: Sequence[Path], workers: int) -> Iterator[int]:
    """``function`` of each of ``items``, in order, in up to ``workers`` processes."""
    if min(workers, len(items)) <= 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of torch's threads
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(function, items, chunksize=4)


def _joined_notes(staff: Any) -> list[ChoraleNote]:
    """The notes of a staff, each run of tied ones as one note."""
    notes: list[ChoraleNote] = []
    continuing: dict[int, int] = {}  # pitch: the note that its tie prolongs
    for element in staff.recurse().notes:
        if element.duration.isGrace:
            continue
        onset = _tick(element.getOffsetInHierarchy(staff))
        duration = _tick(element.duration.quarterLength)
        for note in element.notes if element.isChord else (element,):
            pitch = note.pitch.midi
            held = continuing.pop(pitch, None)
            if held is None:
                held = len(notes)
                notes.append(ChoraleNote(onset, pitch, duration))
            else:
                notes[held] = notes[held]._replace(duration=notes[held].duration + duration)
            if note.tie is not None and note.tie.type in {"start", "continue"}:
                continuing[pitch] = held
    return notes


def _meters(staff: Any) -> list[Meter]:
    """The time signatures of a staff, without repetitions."""
    meters: list[Meter] = []
    for signature in staff.recurse().getElementsByClass("TimeSignature"):
        tick = _tick(signature.getOffsetInHierarchy(staff))
        meter = Meter(tick, signature.numerator, signature.denominator)
        if not meters or meters[-1][1:] != meter[1:]:
            meters.append(meter)
    return meters


def _tick(quarters: Any) -> int:
    return round(float(quarters) * MODEL_RESOLUTION)
