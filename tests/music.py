"""Small pieces that the tests make for themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from arranger.ensembles import Ensemble, load_ensemble
from arranger.files.building import DocumentBuilder, Note
from arranger.files.document import METER, TRACK_NAME, Event, meta
from arranger.files.midi import encode
from arranger.notes import NoteSequence
from evaluation.pieces import Piece

CHORALE: Ensemble = load_ensemble("chorale")


def four_voices(beats: int, seed: int = 0) -> tuple[NoteSequence, np.ndarray]:
    """A four-part piece that no rule forbids: each voice wanders about its own middle."""
    rng = np.random.default_rng(seed)
    rows, parts = [], []
    for part, middle in enumerate((71, 65, 59, 50)):
        tick = 0
        while tick < 24 * beats:
            length = int(rng.choice([12, 24, 24, 48]))
            rows.append((tick, int(middle + rng.integers(-3, 4)), length, 64))
            parts.append(part)
            tick += length
    notes, order = NoteSequence.from_rows(rows)
    return notes, np.array(parts)[order]


def piece(seed: int, beats: int = 8) -> Piece:
    """Four voices with the part of each note."""
    return Piece(f"piece {seed}", *four_voices(beats, seed))


def write_midi(
    path: Path, tracks: Mapping[str, Sequence[tuple[int, int, int, int]]], resolution: int = 24
) -> Path:
    """A MIDI file with a channel for each track of (onset, pitch, duration, velocity).

    A track named Drums is one of drums.
    """
    channels = iter((*range(9), *range(10, 16)))
    written: list[list[Event]] = [[(0, meta(METER, bytes((4, 2, 24, 8))))]]
    for name, rows in tracks.items():
        channel = 9 if name == "Drums" else next(channels)
        events: list[tuple[int, int, bytes]] = []
        for n, (onset, pitch, duration, velocity) in enumerate(rows):
            events.append((onset, n, bytes((0x90 | channel, pitch, velocity))))
            events.append((onset + duration, n, bytes((0x80 | channel, pitch, 64))))
        events.sort(key=lambda e: (e[0], e[2][0] & 0x10 > 0 and rows[e[1]][2] > 0, e[1]))
        head = (0, meta(TRACK_NAME, name.encode()))
        written.append([head, *((tick, message) for tick, _, message in events)])
    path.write_bytes(encode(resolution, written))
    return path


def write_tracks(
    path: Path,
    tracks: Sequence[tuple[str | None, int | None, Sequence[tuple[int, int, int, int]]]],
    resolution: int = 24,
    tempi: Sequence[tuple[int, float]] = (),
) -> Path:
    """A MIDI file with a track for each name, program and rows (onset, pitch, duration, velocity).

    A track named Drums is one of drums; ``tempi`` are ticks and quarters a minute.
    """
    builder = DocumentBuilder(resolution)
    for tick, quarters_a_minute in tempi:
        builder.add_tempo(tick, quarters_a_minute)
    for name, program, rows in tracks:
        builder.add_track(name, program, name == "Drums", [Note(*row) for row in rows])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(resolution, builder.document().tracks))
    return path


def write_chorale(path: Path, beats: int = 8, seed: int = 0) -> Path:
    """A four-part piece as a reference score."""
    notes, parts = four_voices(beats, seed)
    rows = list(
        zip(
            notes.onset.tolist(),
            notes.pitch.tolist(),
            notes.duration.tolist(),
            notes.velocity.tolist(),
            strict=True,
        )
    )
    return write_midi(
        path,
        {
            name: [row for row, part in zip(rows, parts.tolist(), strict=True) if part == k]
            for k, name in enumerate(CHORALE.names)
        },
    )
