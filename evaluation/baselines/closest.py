"""The closest-pitch baseline and its monophonic form (Dong et al. 2021).

Each part remembers the last pitch it played, and a note goes to the part whose last pitch is
nearest. Knows entry hints: without them it has nowhere to begin. Learns nothing, and does not
know pitch hints or locks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arranger.arrangement import Arrangement
from arranger.ensembles import Ensemble
from arranger.hints import Hints
from arranger.notes import NoteSequence

from ..pieces import IntArray

_SOON = 1 / 16
"""Quarters by which an onset may precede an entry hint and still be the entry."""

_BUSY = 1e6
"""Cost of giving a note to a part that still sounds: any free part is cheaper."""

_ENTRY = -1e7
"""Cost of the note with which a part enters: every part that enters gets a note first."""

_ABSENT = 1e9
"""Cost of a part that has not entered."""

_TIE = 0.1
"""The most that breaking the ties of a chord may weigh, in squared semitones."""


@dataclass(frozen=True)
class ClosestPitch:
    """``mono``: no part takes a note while it sounds, as long as another part is free.

    An entry hint says when a part begins, not with which note: the notes of that onset are
    matched to the entering parts by their distance from the middle of each part's range. A part
    without a hint, where others have one, does not play; without any hint all parts are there from
    the first note on. The confidence is 1/K: a distance in semitones justifies no more.
    """

    ensemble: Ensemble
    mono: bool = False

    @property
    def name(self) -> str:
        return "closest-pitch-mono" if self.mono else "closest-pitch"

    def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
        size = len(self.ensemble)
        entries = np.full(size, np.inf if hints.entries else -np.inf)
        for k, quarter in hints.entries.items():
            entries[k] = (quarter - _SOON) * notes.resolution
        if len(notes) and entries.min() > notes.onset[0]:
            entries[entries == entries.min()] = notes.onset[0]  # someone must play the first note
        memory = _Memory(self.ensemble, entries, self.mono)
        labels = np.zeros(len(notes), dtype=np.int64)
        for chord in notes.onset_groups():
            labels[chord] = memory.assign(
                int(notes.onset[chord.start]), notes.pitch[chord], notes.offset[chord]
            )
        return Arrangement(notes, self.ensemble, labels, np.full(len(notes), 1 / size))


class _Memory:
    """What each part played last; lives for one piece."""

    def __init__(self, ensemble: Ensemble, entries: NDArray[np.float64], mono: bool) -> None:
        self.last = np.array([(part.low + part.high) / 2 for part in ensemble.parts])
        self.until = np.full(len(ensemble), -1, dtype=np.int64)
        self.entries = entries
        self.waiting = np.isfinite(entries)
        self.mono = mono

    def assign(self, onset: int, pitch: IntArray, offset: IntArray) -> list[int]:
        """The parts of the notes that begin at ``onset``, lowest note first."""
        entered = self.entries <= onset
        entering = entered & self.waiting
        cost = (pitch[:, None] - self.last) ** 2.0  # (notes, parts)
        cost[:, ~entered] = _ABSENT
        if self.mono and len(pitch) <= int(entered.sum()):
            cost[:, self.until > onset] += _BUSY
            cost[:, entering] += _ENTRY
            labels = [int(k) for k in _assignment(cost)[1]]
        else:
            labels = self._one_by_one(cost, pitch, entering)
        for k, height, end in zip(labels, pitch.tolist(), offset.tolist(), strict=True):
            self.last[k], self.until[k], self.waiting[k] = height, end, False
        return labels

    def _one_by_one(
        self, cost: NDArray[np.float64], pitch: IntArray, entering: NDArray[np.bool_]
    ) -> list[int]:
        """Entering parts take a note each, all other notes go to the nearest part."""
        labels = np.full(len(cost), -1, dtype=np.int64)
        if entering.any():
            newcomers = np.flatnonzero(entering)
            rows, columns = _assignment(cost[:, newcomers])
            labels[rows] = newcomers[columns]
            cost[:, newcomers[columns]] = (pitch[:, None] - pitch[rows]) ** 2.0
        labels[labels < 0] = np.argmin(cost[labels < 0], axis=1)
        return [int(k) for k in labels]


def _assignment(cost: NDArray[np.float64]) -> tuple[IntArray, IntArray]:
    """Pairs (row, column) that use each row or each column once, so that the sum is least.

    Of equal sums, the one that gives the lowest note (the first row) the lowest part (the last
    column) and so on upwards: after a unison two parts leave it in score order.
    """
    from scipy.optimize import linear_sum_assignment

    notes, parts = cost.shape
    weight = (parts + 1.0) ** -np.arange(1, notes + 1)
    rows, columns = linear_sum_assignment(cost - _TIE * weight[:, None] * np.arange(parts))
    return np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64)
