"""Results as clients take them: JSON in the forms of ``schemas``, MIDI, MusicXML, a picture.

JSON is built as plain data, which takes a tenth of the time of building forms; a test holds it to
them. Knows results; not how they were made, nor HTTP.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from arranger.arrangement import Arrangement
from arranger.clock import Clock
from arranger.ensembles import Ensemble
from arranger.files import Score, write_bytes
from arranger.files.document import DRUM_CHANNEL
from arranger.files.joining import own_tracks
from arranger.files.midi import encode
from arranger.notes import Meter, Note, Tempo

from .work import Arranged, Continued, Source

if TYPE_CHECKING:
    from evaluation.runner import Report

Json = dict[str, Any]

MIDI, MUSICXML, PNG = "audio/midi", "application/vnd.recordare.musicxml+xml", "image/png"
JSON = "application/json"
_DRAWING = threading.Lock()
"""matplotlib bears one thread at a time."""

SUFFIX = {MIDI: ".mid", MUSICXML: ".musicxml", PNG: ".png", JSON: ".json"}


def arranged_as(kind: str, done: Arranged) -> bytes:
    """An arrangement as the media type ``kind``."""
    if kind == JSON:
        return dumped(arrangement(done))
    if kind == PNG:
        return picture(done.source, done.best)
    return write_bytes(SUFFIX[kind], done.source.score, done.best, done.source.name)


def continued_as(kind: str, done: Continued) -> bytes:
    """A continuation, arranged if that was asked for, as the media type ``kind``."""
    if kind == JSON:
        return dumped(continuation(done))
    if done.arranged is not None:
        return arranged_as(kind, done.arranged)
    score = done.grown.score
    if kind == MIDI:
        return encode(score.document.resolution, score.document.tracks)
    if kind == PNG:
        return picture(done.grown, own_tracks(score))
    return write_bytes(SUFFIX[kind], score, own_tracks(score), done.grown.name)


def picture(source: Source, arrangement: Arrangement) -> bytes:
    """A piano roll, each part in its colour."""
    from evaluation.figures import piano_roll

    with tempfile.TemporaryDirectory() as folder, _DRAWING:
        path = Path(folder) / "roll.png"
        piano_roll(arrangement, Path(source.name).stem, path)
        return path.read_bytes()


def arrangement(done: Arranged) -> Json:
    """In the form ``schemas.Arrangement``."""
    best, names, places = done.best, done.best.ensemble.names, done.source.places
    notes = _notes(done.source.score, places)
    runners_up = best.runners_up()
    for note, n in zip(notes, places, strict=True):
        note["part"] = names[best.parts[n]]
        note["confidence"] = _share(best.confidence[n])
        other = runners_up[n]
        note["runner_up"] = other and {"part": names[other[0]], "confidence": _share(other[1])}
    return {
        **_piece(done.source, best.ensemble),
        "ensemble": ensemble(best.ensemble),
        "mode": done.mode,
        "model": done.model,
        "notes": notes,
        "violations": _violations(best, places),
        "alternatives": [_alternative(other, best, places) for other in done.others],
        "milliseconds": round(1000 * done.seconds, 1),
    }


def continuation(done: Continued) -> Json:
    """In the form ``schemas.Continuation``."""
    grown = done.grown
    notes = _notes(grown.score, grown.places)
    for note, new in zip(notes, done.new.tolist(), strict=True):
        note["new"] = new
    arranged = done.arranged
    return {
        **_piece(grown, None if arranged is None else arranged.best.ensemble),
        "model": done.model,
        "seed": done.seed,
        "notes": notes,
        "new": int(done.new.sum()),
        "arrangement": None if arranged is None else arrangement(arranged),
        "milliseconds": round(1000 * done.seconds, 1),
    }


def evaluation(report: Report, warnings: list[str]) -> Json:
    """In the form ``schemas.Evaluation``."""
    names = report.ensemble.names
    pieces = []
    for result in report.results:
        arranged = result.arrangement
        notes = _timed(arranged.notes, range(len(arranged.notes)))
        others = arranged.runners_up()
        for n, note in enumerate(notes):
            note["track"] = int(result.truth[n])
            note["part"] = names[arranged.parts[n]]
            note["confidence"] = _share(arranged.confidence[n])
            other = others[n]
            note["runner_up"] = other and {"part": names[other[0]], "confidence": _share(other[1])}
            note["truth"] = names[result.truth[n]]
        pieces.append(
            {
                "name": result.name,
                "accuracy": result.accuracy,
                "mistakes": len(result.mistakes),
                "notes": notes,
            }
        )
    return {
        "metrics": report.metrics,
        "parts": list(names),
        "confusion": report.confusion.tolist(),
        "pieces": pieces,
        "warnings": warnings,
    }


def decided(clock: Clock) -> Callable[[Note], Json]:
    """What is said of a new note as soon as it is decided: in the form ``schemas.TimedNote``."""

    def told(note: Note) -> Json:
        start, end = clock.seconds([note.onset, note.onset + note.duration]).tolist()
        return {
            "onset": note.onset,
            "duration": note.duration,
            "start": round(start, 4),
            "length": round(end - start, 4),
            "pitch": note.pitch,
            "velocity": note.velocity,
        }

    return told


def ensemble(ensemble: Ensemble) -> Json:
    """In the form ``schemas.Ensemble``."""
    parts = [
        {"name": p.name, "program": p.program, "low": p.low, "high": p.high, "voices": p.voices}
        for p in ensemble.parts
    ]
    return {"name": ensemble.name, "parts": parts}


def dumped(document: Json) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode(errors="backslashreplace")


def _piece(source: Source, ensemble: Ensemble | None) -> Json:
    score = source.score
    clock = Clock(score.notes.tempos, score.notes.resolution)
    drums = _drums(score, clock)
    last = float(clock.seconds(score.notes.offset.max(initial=0)))
    return {
        "name": source.name,
        "resolution": score.notes.resolution,
        "seconds": round(max([last, *(d["start"] + d["length"] for d in drums)]), 4),
        "tempos": [_tempo(tempo) for tempo in score.notes.tempos],
        "meters": [_meter(meter) for meter in score.notes.meters],
        "tracks": [
            {
                "name": track.name,
                "program": track.program,
                "is_drum": track.is_drum,
                "part": _part_of(ensemble, track.name, track.program, track.is_drum),
            }
            for track in score.tracks
        ],
        "drums": drums,
        "warnings": list(score.warnings),
    }


def _part_of(
    ensemble: Ensemble | None, name: str | None, program: int | None, is_drum: bool
) -> str | None:
    k = None if ensemble is None or is_drum else ensemble.part_of_track(name, program)
    return None if ensemble is None or k is None else ensemble.names[k]


def _notes(score: Score, places: Iterable[int]) -> list[Json]:
    """The notes of a score, those at ``places`` in that order, in the form of a SourceNote."""
    places = list(places)
    notes = _timed(score.notes, places)
    tracks = score.track.tolist()
    for note, n in zip(notes, places, strict=True):
        note["track"] = tracks[n]
    return notes


def _timed(notes: Any, places: Iterable[int]) -> list[Json]:
    clock = Clock(notes.tempos, notes.resolution)
    start = clock.seconds(notes.onset)
    length = np.round(clock.seconds(notes.offset) - start, 4).tolist()
    start = np.round(start, 4).tolist()
    onset, duration = notes.onset.tolist(), notes.duration.tolist()
    pitch, velocity = notes.pitch.tolist(), notes.velocity.tolist()
    return [
        {
            "onset": onset[n],
            "duration": duration[n],
            "start": start[n],
            "length": length[n],
            "pitch": pitch[n],
            "velocity": velocity[n],
        }
        for n in places
    ]


def _drums(score: Score, clock: Clock) -> list[Json]:
    document = score.document
    drums = next((i for i, track in enumerate(score.tracks) if track.is_drum), None)
    if drums is None:
        return []
    found = []
    for t, start, end in document.notes:
        tick, (status, pitch, velocity) = document.tracks[t][start]
        if status & 0x0F == DRUM_CHANNEL:
            length = document.tracks[t][end][0] - tick
            begin, until = clock.seconds([tick, tick + length]).tolist()
            found.append(
                {
                    "onset": tick,
                    "duration": length,
                    "start": round(begin, 4),
                    "length": round(until - begin, 4),
                    "pitch": pitch,
                    "velocity": velocity,
                    "track": drums,
                }
            )
    return found


def _alternative(other: Arrangement, best: Arrangement, places: list[int]) -> Json:
    names = other.ensemble.names
    return {
        "parts": [names[other.parts[n]] for n in places],
        "confidence": [_share(other.confidence[n]) for n in places],
        "violations": _violations(other, places),
        "differs": int((other.parts != best.parts).sum()),
    }


def _violations(arrangement: Arrangement, places: list[int]) -> list[Json]:
    number = {n: i for i, n in enumerate(places)}
    return [{**v._asdict(), "note": number[v.note]} for v in arrangement.violations]


def _tempo(tempo: Tempo) -> Json:
    return {"tick": tempo.tick, "quarters": round(tempo.quarters, 6)}


def _meter(meter: Meter) -> Json:
    return meter._asdict()


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, float(value))), 4)
