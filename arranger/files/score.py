"""What a file says, whatever its format.

A Score holds the notes to arrange, the track each came from, and the document that carries
everything else of the file, so that a writer can give all of it back. Does not know formats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..ensembles import Ensemble
from ..notes import Meter, NoteSequence, Tempo
from .document import DRUM_CHANNEL, METER, PROGRAM, TEMPO, Document, track_name


class FileError(ValueError):
    """A file that cannot be used; the message is one sentence that names the file and the fault."""


@dataclass(frozen=True)
class Track:
    """A named line of the file. ``program`` counts from 0; None where the file gives none."""

    name: str | None
    program: int | None
    is_drum: bool = False


@dataclass(frozen=True)
class Score:
    """``notes``: every note that is not a drum, in the file's own ticks. ``track``, shape (N,),
    is the index of each note's track in ``tracks``; ``handle``, shape (N,), is its index in
    ``document.notes``. ``warnings`` are sentences on what had to be repaired or was lost.
    """

    notes: NoteSequence
    track: NDArray[np.int64]
    tracks: tuple[Track, ...]
    document: Document
    handle: NDArray[np.int64]
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Document, warnings: tuple[str, ...] = ()) -> Score:
        """The score of a document: one Track for each track and channel that has notes."""
        names = [track_name(events) for events in document.tracks]
        changes = _program_changes(document)
        index: dict[tuple[int, int], int] = {}
        tracks: list[Track] = []
        rows, track, handle = [], [], []
        for i, (t, start, end) in enumerate(document.notes):
            events = document.tracks[t]
            tick, (status, pitch, velocity) = events[start]
            key = (t, status & 0x0F)
            if key not in index:
                index[key] = len(tracks)
                program = _program(changes.get(key[1], []), tick, t, start)
                tracks.append(Track(names[t], program, key[1] == DRUM_CHANNEL))
            if key[1] != DRUM_CHANNEL:
                rows.append((tick, pitch, events[end][0] - tick, velocity))
                track.append(index[key])
                handle.append(i)
        if not rows:
            held = "only drums" if tracks else "no notes"
            warnings = (*warnings, f"there is nothing to arrange: the file holds {held}")
        notes, order = NoteSequence.from_rows(
            rows, document.resolution, _meters(document), _tempos(document)
        )
        return cls(
            notes,
            np.array(track, dtype=np.int64)[order],
            tuple(tracks),
            document,
            np.array(handle, dtype=np.int64)[order],
            warnings,
        )

    def reference(self, ensemble: Ensemble) -> tuple[NoteSequence, NDArray[np.int64]]:
        """The score read as a reference for ``ensemble``: its notes and their parts, shape (N,).

        Tracks that are no part of the ensemble are left out, as are exact duplicates within a
        part. Notes that nothing tells apart (``NoteSequence.twins``) come in score order.
        """
        part_of = [
            None if track.is_drum else ensemble.part_of_track(track.name, track.program)
            for track in self.tracks
        ]
        rows = {
            (*note, part)
            for *note, part in zip(
                self.notes.onset.tolist(),
                self.notes.pitch.tolist(),
                self.notes.duration.tolist(),
                self.notes.velocity.tolist(),
                [part_of[t] for t in self.track.tolist()],
                strict=True,
            )
            if part is not None
        }
        table = sorted(rows)
        notes, order = NoteSequence.from_rows(
            [row[:4] for row in table],
            self.notes.resolution,
            self.notes.meters,
            self.notes.tempos,
        )
        parts = np.array([row[4] for row in table], dtype=np.int64)
        return notes, parts[order]


def _program_changes(document: Document) -> dict[int, list[tuple[int, int, int, int]]]:
    """For each channel its program changes: tick, track, event and program."""
    changes: dict[int, list[tuple[int, int, int, int]]] = {}
    for t, events in enumerate(document.tracks):
        for i, (tick, message) in enumerate(events):
            if message[0] & 0xF0 == PROGRAM:
                changes.setdefault(message[0] & 0x0F, []).append((tick, t, i, message[1]))
    return changes


def _program(changes: list[tuple[int, int, int, int]], tick: int, track: int, i: int) -> int | None:
    """The program in force at event ``i`` of ``track``: the last change before it in the track
    itself, else in the tracks around it.
    """
    own = [change for change in changes if change[1] == track and change[2] < i]
    others = [change for change in changes if change[1] != track and change[0] <= tick]
    return max(own or others, default=(0, 0, 0, None))[3]


def _meters(document: Document) -> list[Meter]:
    """The time signatures, the last one where several stand together."""
    meters: dict[int, Meter] = {}
    for tick, payload in document.metas(METER):
        if len(payload) >= 2 and payload[0] and payload[1] <= 7:
            meters[tick] = Meter(tick, payload[0], 2 ** payload[1])
    return list(meters.values())


def _tempos(document: Document) -> list[Tempo]:
    """The tempos, the last one where several stand together."""
    tempos: dict[int, Tempo] = {}
    for tick, payload in document.metas(TEMPO):
        microseconds = int.from_bytes(payload[:3])
        if len(payload) >= 3 and microseconds:
            tempos[tick] = Tempo(tick, 60_000_000 / microseconds)
    return list(tempos.values())
