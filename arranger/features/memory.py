"""What each part has played so far, under the decisions made so far.

A PartMemory follows several alternatives at once (the hypotheses of a beam, or the pieces of a
batch): all arrays begin with that axis. Knows parts as numbers; not rules, scores or models.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .listening import CHORD_WINDOW

_BINS = 13
"""Semitones to a part's last note that are told apart exactly, each way."""

MEMORY_WIDTH = 2 * _BINS + 1 + 9
"""Numbers that ``PartMemory.relate`` gives for each part."""

_NEVER = -1e9


class PartMemory:
    """The last notes of each part, for ``size`` alternatives of ``parts`` parts."""

    def __init__(self, size: int, parts: int) -> None:
        shape = (size, parts)
        self.last_pitch = np.zeros(shape)
        self.motion = np.zeros(shape)
        self.last_onset = np.full(shape, _NEVER)
        self.last_offset = np.full(shape, _NEVER)
        self.count = np.zeros(shape)
        self.mean_pitch = np.zeros(shape)

    def select(self, rows: NDArray[np.int64]) -> PartMemory:
        """A memory whose alternatives are ``rows`` of this one."""
        chosen = PartMemory.__new__(PartMemory)
        for name, array in vars(self).items():
            setattr(chosen, name, array[rows])
        return chosen

    def assign(
        self,
        part: NDArray[np.int64],
        pitch: NDArray[np.int64] | int,
        onset: NDArray[np.float64] | float,
        offset: NDArray[np.float64] | float,
    ) -> None:
        """A note goes to ``part`` (size,). ``offset`` may be infinite while it is held."""
        at = (np.arange(len(part)), part)
        played = self.count[at] > 0
        self.motion[at] = np.clip(pitch - self.last_pitch[at], -24, 24) / 12 * played
        self.last_pitch[at] = pitch
        self.last_onset[at] = onset
        self.last_offset[at] = np.maximum(self.last_offset[at], offset)
        self.count[at] += 1
        self.mean_pitch[at] += (pitch - self.mean_pitch[at]) / self.count[at]

    def relate(
        self, pitch: NDArray[np.int64] | int, time: NDArray[np.float64] | float
    ) -> NDArray[np.float32]:
        """How a new note stands to each part, shape (size, parts, MEMORY_WIDTH).

        ``pitch`` and ``time`` (quarters) are one number or shape (size, 1). Nothing of an offset
        later than ``time`` is seen but that the note is still held.
        """
        size, parts = self.last_pitch.shape
        interval = pitch - self.last_pitch
        since = time - self.last_onset
        held = self.last_offset > time
        row = np.zeros((size, parts, MEMORY_WIDTH), np.float32)
        column = np.minimum(np.maximum(interval, -_BINS), _BINS).astype(np.intp) + _BINS
        row.reshape(-1)[self._starts(size * parts) + column.reshape(-1)] = 1.0
        rest = row[..., 2 * _BINS + 1 :]
        rest[..., 0] = 1.0
        rest[..., 1] = np.minimum(np.maximum(interval, -36), 36) / 12
        rest[..., 2] = held
        rest[..., 3] = since < CHORD_WINDOW
        rest[..., 4] = np.log2(1 + np.minimum(np.maximum(since, 0), 64))
        rest[..., 5] = np.exp2(np.minimum(self.last_offset - time, 0)) * ~held
        rest[..., 6] = (pitch - self.mean_pitch) / 12
        rest[..., 7] = self.motion
        rest[..., 8] = np.minimum(self.count, 8) / 8
        row *= (self.count > 0)[..., None]
        return row

    @staticmethod
    @lru_cache(maxsize=64)
    def _starts(rows: int) -> NDArray[np.intp]:
        return np.arange(rows) * MEMORY_WIDTH
