"""Small MIDI files for the tests of ``arranger.files``, put together byte by byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from arranger.arrangement import Arrangement
from arranger.ensembles import Ensemble, Part
from arranger.files import Score
from arranger.files.document import Event
from arranger.files.midi import encode

DUO = Ensemble("duo", (Part("High", 73), Part("Low", 42)))
Row = tuple[int, int, int, int]


def on(tick: int, pitch: int, velocity: int = 64, channel: int = 0) -> Event:
    return tick, bytes((0x90 | channel, pitch, velocity))


def off(tick: int, pitch: int, velocity: int = 64, channel: int = 0) -> Event:
    return tick, bytes((0x80 | channel, pitch, velocity))


def control(tick: int, number: int, value: int, channel: int = 0) -> Event:
    return tick, bytes((0xB0 | channel, number, value))


def midi(*tracks: Iterable[Event], resolution: int = 480) -> bytes:
    return encode(resolution, [sorted(events, key=lambda event: event[0]) for events in tracks])


def header(layout: int = 1, tracks: int = 1, division: int = 480) -> bytes:
    return b"MThd\0\0\0\6" + b"".join(n.to_bytes(2) for n in (layout, tracks, division))


def chunk(data: bytes, length: int | None = None) -> bytes:
    return b"MTrk" + (len(data) if length is None else length).to_bytes(4) + data


def arranged(score: Score, parts: Iterable[int], ensemble: Ensemble = DUO) -> Arrangement:
    labels = np.array(list(parts), dtype=np.int64)
    return Arrangement(score.notes, ensemble, labels, np.ones(len(labels)))


def rows(score: Score) -> list[Row]:
    notes = score.notes
    columns = (notes.onset, notes.pitch, notes.duration, notes.velocity)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def by_track(score: Score) -> dict[str | None, Counter[Row]]:
    """The notes of each track name."""
    found: dict[str | None, Counter[Row]] = {}
    for row, track in zip(rows(score), score.track.tolist(), strict=True):
        found.setdefault(score.tracks[track].name, Counter())[row] += 1
    return found


def messages(score: Score, kind: int) -> list[tuple[int, bytes]]:
    """The channel messages of one kind, in any track."""
    return sorted(
        (tick, message)
        for events in score.document.tracks
        for tick, message in events
        if message[0] & 0xF0 == kind
    )
