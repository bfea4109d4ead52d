"""Notes as arrays: the one form in which every other module sees music.

Knows ticks, pitches, bars and tempos. Does not know files, parts, models or seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

MODEL_RESOLUTION = 24
"""Ticks a quarter on the grid that the models see (Dong et al. 2021)."""


_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")


def pitch_name(pitch: int) -> str:
    """A MIDI pitch as musicians write it; 60 is C4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


DEFAULT_VELOCITY = 64


class Note(NamedTuple):
    """A note in ticks."""

    onset: int
    pitch: int
    duration: int
    velocity: int = DEFAULT_VELOCITY


class Tempo(NamedTuple):
    """Quarters a minute, valid from ``tick`` on."""

    tick: int
    quarters: float


class Meter(NamedTuple):
    """A time signature, valid from ``tick`` on."""

    tick: int
    numerator: int
    denominator: int


@dataclass(frozen=True)
class NoteSequence:
    """The notes of a piece, sorted by (onset, pitch, duration, velocity); of one onset, notes
    without length come before those that last.

    ``onset`` and ``duration`` are in ticks, ``resolution`` ticks a quarter; ``pitch`` is a MIDI
    note number and ``velocity`` a MIDI velocity. All four arrays have shape (N,). Notes that are
    equal in all four keep the order in which they were given.
    """

    onset: IntArray
    pitch: IntArray
    duration: IntArray
    velocity: IntArray
    resolution: int = MODEL_RESOLUTION
    meters: tuple[Meter, ...] = ()
    tempos: tuple[Tempo, ...] = ()

    def __len__(self) -> int:
        return len(self.onset)

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[tuple[int, int, int, int]],
        resolution: int = MODEL_RESOLUTION,
        meters: Iterable[Meter] = (),
        tempos: Iterable[Tempo] = (),
    ) -> tuple[NoteSequence, IntArray]:
        """Sort ``rows`` of (onset, pitch, duration, velocity).

        Returns the sequence and ``order``, shape (N,): note ``i`` was row ``order[i]``.
        """
        table = np.array(list(rows), dtype=np.int64).reshape(-1, 4)
        order = _order(table)
        onset, pitch, duration, velocity = np.ascontiguousarray(table[order].T)
        columns = (onset, pitch, duration, velocity)
        return cls(*columns, resolution, tuple(meters), tuple(tempos)), order

    @property
    def offset(self) -> IntArray:
        """The tick at which each note ends, shape (N,)."""
        return self.onset + self.duration

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> NoteSequence:
        """The notes at ``index``, which must keep them in order."""
        return replace(
            self,
            onset=self.onset[index],
            pitch=self.pitch[index],
            duration=self.duration[index],
            velocity=self.velocity[index],
        )

    def transposed(self, semitones: int) -> NoteSequence:
        """The same notes, ``semitones`` higher."""
        return replace(self, pitch=self.pitch + semitones)

    def on_grid(self, resolution: int = MODEL_RESOLUTION) -> tuple[NoteSequence, IntArray]:
        """The same notes on a grid of ``resolution`` ticks a quarter.

        Rounding can make two onsets one, so the notes are sorted anew: note ``i`` of the result
        is note ``order[i]`` of this sequence.
        """
        if resolution < 1:
            raise ValueError(f"a grid has 1 tick a quarter or more, not {resolution}")
        scale = resolution / self.resolution
        onset = np.rint(self.onset * scale).astype(np.int64)
        offset = np.rint(self.offset * scale).astype(np.int64)
        meters = tuple(m._replace(tick=round(m.tick * scale)) for m in self.meters)
        tempos = tuple(t._replace(tick=round(t.tick * scale)) for t in self.tempos)
        rows = np.stack([onset, self.pitch, offset - onset, self.velocity], axis=1)
        order = _order(rows)
        onset, pitch, duration, velocity = np.ascontiguousarray(rows[order].T)
        columns = (onset, pitch, duration, velocity)
        return NoteSequence(*columns, resolution, meters, tempos), order

    def onset_groups(self) -> list[slice]:
        """One slice for each set of notes that begin together, in order."""
        if len(self) == 0:
            return []
        bounds = np.flatnonzero(np.diff(self.onset)) + 1
        edges = [0, *bounds.tolist(), len(self)]
        return [slice(a, b) for a, b in pairwise(edges)]

    def islands(self) -> list[slice]:
        """The shortest runs of notes that no note outside them overlaps, in order."""
        if len(self) == 0:
            return []
        sounding_until = np.maximum.accumulate(self.offset)
        begins = (np.diff(self.onset) > 0) & (sounding_until[:-1] <= self.onset[1:])
        edges = [0, *(np.flatnonzero(begins) + 1).tolist(), len(self)]
        return [slice(a, b) for a, b in pairwise(edges)]

    def twins(self) -> list[slice]:
        """One slice for each run of two or more notes equal in onset, pitch and duration.

        Nothing tells such notes apart, so which of their parts comes first is a convention.
        """
        keys = np.stack([self.onset, self.pitch, self.duration])
        same = np.append((keys[:, 1:] == keys[:, :-1]).all(axis=0), False)
        runs, start = [], None
        for i, joined in enumerate(same.tolist()):
            if joined and start is None:
                start = i
            elif not joined and start is not None:
                runs.append(slice(start, i + 1))
                start = None
        return runs

    def bar_number(self, tick: int) -> int:
        """The bar, counted from 1, in which ``tick`` lies; 4/4 until a meter says otherwise."""
        bar, meter = 1, Meter(0, 4, 4)
        for upcoming in self.meters:
            if upcoming.tick > tick:
                break
            span = upcoming.tick - meter.tick
            length = self._bar_length(meter)
            bar += -(-span // length)
            meter = upcoming
        return bar + (tick - meter.tick) // self._bar_length(meter)

    def _bar_length(self, meter: Meter) -> int:
        return max(1, 4 * self.resolution * meter.numerator // meter.denominator)


def _order(rows: IntArray) -> IntArray:
    """The order of ``rows`` (N, 4) of onset, pitch, duration and velocity in a NoteSequence."""
    onset, pitch, duration, velocity = rows.T
    return np.lexsort((velocity, duration, pitch, duration > 0, onset))
