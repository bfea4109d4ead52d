"""A score with more notes on a track of their own, and a score written as it stands.

Nothing that was there changes: its tracks, their events and their order stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..arrangement import Arrangement
from ..ensembles import Ensemble, Part
from ..notes import Meter, Note, Tempo
from . import midi
from .building import DocumentBuilder
from .document import DRUM_CHANNEL, METER, TEMPO, Document, Event, NoteSpan, meta
from .formats import write, write_file
from .score import Score

EMPTY_RESOLUTION = 480


def empty_score() -> Score:
    """A score without notes."""
    return Score.from_document(DocumentBuilder(EMPTY_RESOLUTION).document())


def joined(
    score: Score,
    name: str,
    notes: Iterable[Note],
    changes: Iterable[Tempo | Meter] = (),
    warnings: Iterable[str] = (),
) -> Score:
    """``score`` with ``notes`` on a further track, on a channel of its own while there is one.

    The track has the program that most notes of the score have; ``changes`` of tempo and meter
    stand in it too.
    """
    programs = Counter(score.tracks[t].program for t in score.track.tolist())
    program = programs.most_common(1)[0][0] if programs else 0
    document = score.document
    used = {
        message[0] & 0x0F
        for events in document.tracks
        for _, message in events
        if message[0] < 0xF0
    }
    free = [channel for channel in range(16) if channel not in used and channel != DRUM_CHANNEL]
    builder = DocumentBuilder(document.resolution)
    builder.add_track(name, program, False, notes, map(_event, changes))
    track, spans = builder.document().tracks[1], builder.document().notes
    moved = tuple((tick, _on_channel(message, free[0] if free else 0)) for tick, message in track)
    at = len(document.tracks)
    grown = Document(
        document.resolution,
        (*document.tracks, moved),
        (*document.notes, *(NoteSpan(at, span.start, span.end) for span in spans)),
        document.metadata,
    )
    said = [w for w in score.warnings if "nothing to arrange" not in w]
    return Score.from_document(grown, (*said, *warnings))


def write_as_it_stands(path: str | Path, score: Score) -> None:
    """Write ``score`` with its notes on their own tracks; the suffix says the format.

    Raises FileError where the suffix means none or the file cannot be written.
    """
    if Path(path).suffix.lower() in {".mid", ".midi"}:
        write_file(path, midi.encode(score.document.resolution, score.document.tracks))
    else:
        write(path, score, own_tracks(score))


def own_tracks(score: Score) -> Arrangement:
    """The arrangement in which every track is a part."""
    parts = [
        Part(f"{i + 1}. {track.name or 'unnamed'}", track.program or 0, voices=None)
        for i, track in enumerate(score.tracks)
    ]
    ensemble = Ensemble("as written", tuple(parts) or (Part("Piano", 0, voices=None),))
    return Arrangement(score.notes, ensemble, score.track, np.ones(len(score.notes)))


def _event(change: Tempo | Meter) -> Event:
    if isinstance(change, Tempo):
        return change.tick, meta(TEMPO, round(60_000_000 / change.quarters).to_bytes(3))
    power = change.denominator.bit_length() - 1
    return change.tick, meta(METER, bytes((change.numerator, power, 24, 8)))


def _on_channel(message: bytes, channel: int) -> bytes:
    return bytes((message[0] & 0xF0 | channel, *message[1:])) if message[0] < 0xF0 else message
