"""Corpora that anyone can prepare: the Bach chorales out of the music21 package.

Writes one MIDI file a chorale and the split that the reported numbers use. Knows music21, which it
imports only when it is asked to read. Does not know models.

The preparation is that of the published experiments (Dong et al. 2021): four parts, repeats not
written out, tied notes joined, grace notes left out, 24 ticks a quarter. With music21 10.5 it gives
their notes in 378 of the 379 chorales; in bwv113.8 one tenor note has since been corrected.
"""

from __future__ import annotations

import json
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

import mido
from tqdm import tqdm

from arranger.ensembles import CONFIGS, load_ensemble
from arranger.notes import MODEL_RESOLUTION, Meter

SPLIT = CONFIGS / "splits" / "chorales.json"
"""The split of the reported numbers: train, valid, test, and reserved for later acceptance."""

_SUFFIXES = (".mxl", ".xml", ".krn")
_VOICE = re.compile(r"(Soprano|Alto|Tenor|Bass)(?!\s*\d)")
"""What the name of a staff that is a voice begins with. The published experiments pass over a
voice that is divided ("Soprano 1", "Soprano 2"), and so does this."""

_VELOCITY = 64
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


class Prepared(NamedTuple):
    """How much has been written."""

    pieces: int
    notes: int


def prepare_chorales(
    out_dir: str | Path,
    source: str | Path | None = None,
    reserved: Iterable[str] | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> Prepared:
    """Write the chorales of the split, less the reserved ones, as MIDI files to ``out_dir``.

    ``source`` is a folder of scores named by their BWV numbers; None: the one inside music21.
    ``reserved`` names further pieces to leave out. ``split.json`` is written last, so that a
    folder that has one is complete.
    """
    split: dict[str, list[str]] = json.loads(SPLIT.read_text(encoding="utf-8"))
    held_back = {Path(name).stem for name in reserved or ()}
    held_back |= {Path(name).stem for name in split["reserved"]}
    for subset in ("train", "valid", "test"):
        split[subset] = [name for name in split[subset] if Path(name).stem not in held_back]
    names = [name for subset in ("train", "valid", "test") for name in split[subset]]

    folder = music21_corpus() / "bach" if source is None else Path(source)
    out_dir = Path(out_dir)
    scores = [find_score(folder, Path(name).stem) for name in names]
    out_dir.mkdir(parents=True, exist_ok=True)

    counts = _mapped(partial(_convert, out_dir=out_dir), scores, workers or os.cpu_count() or 1)
    bar = tqdm(counts, total=len(names), desc="chorales", unit="piece", disable=not progress)
    notes = sum(bar)

    licence = folder.parent / "license.txt"
    if licence.is_file():
        shutil.copyfile(licence, out_dir / "LICENSE-music21-corpus.txt")
    (out_dir / "split.json").write_text(json.dumps(split, indent=1) + "\n", encoding="utf-8")
    return Prepared(len(names), notes)


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
    midi = mido.MidiFile(type=1, ticks_per_beat=MODEL_RESOLUTION)
    for channel, part in enumerate(ensemble.parts):
        events: list[tuple[int, int, Any]] = []
        if channel == 0:
            events.append((0, 0, mido.MetaMessage("set_tempo", tempo=_TEMPO)))
            for meter in chorale.meters:
                signature = mido.MetaMessage(
                    "time_signature", numerator=meter.numerator, denominator=meter.denominator
                )
                events.append((meter.tick, 0, signature))
        events.append((0, 0, mido.MetaMessage("track_name", name=part.name)))
        program = mido.Message("program_change", channel=channel, program=part.program)
        events.append((0, 0, program))
        for note in chorale.parts[part.name]:
            key = {"channel": channel, "note": note.pitch, "velocity": _VELOCITY}
            events.append((note.onset, 2, mido.Message("note_on", **key)))
            events.append((note.onset + note.duration, 1, mido.Message("note_off", **key)))
        track, now = mido.MidiTrack(), 0
        for tick, _, message in sorted(events, key=lambda event: event[:2]):
            track.append(message.copy(time=tick - now))
            now = tick
        midi.tracks.append(track)
    midi.save(path)


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
