"""What each part has played so far, under the decisions made so far.

A PartMemory follows several alternatives at once (the hypotheses of a beam, or the pieces of a
batch): its array begins with that axis. Knows parts as numbers; not rules, scores or models.
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

_PITCH, _MEAN, _ONSET, _OFFSET, _MOTION, _COUNT = range(6)
_LOWEST = np.array([-36.0, -36.0, 0.0, 0.0])
_HIGHEST = np.array([36.0, 36.0, 64.0, 64.0])
_NEVER = -1e9


class PartMemory:
    """The last notes of each part, for ``size`` alternatives of ``parts`` parts."""

    def __init__(self, size: int, parts: int) -> None:
        self._state = np.zeros((size, parts, 6))
        self._state[..., (_ONSET, _OFFSET)] = _NEVER

    @property
    def last_pitch(self) -> NDArray[np.float64]:
        """The pitch that each part last played, shape (size, parts)."""
        return self._state[..., _PITCH]

    @property
    def last_onset(self) -> NDArray[np.float64]:
        """When each part last began a note, in quarters."""
        return self._state[..., _ONSET]

    @property
    def last_offset(self) -> NDArray[np.float64]:
        """When each part last ended a note; later than now while it holds one."""
        return self._state[..., _OFFSET]

    @property
    def count(self) -> NDArray[np.float64]:
        """How many notes each part has had."""
        return self._state[..., _COUNT]

    def select(self, rows: NDArray[np.int64]) -> PartMemory:
        """A memory whose alternatives are ``rows`` of this one."""
        chosen = PartMemory.__new__(PartMemory)
        chosen._state = self._state[rows]
        return chosen

    def assign(
        self,
        part: NDArray[np.int64],
        pitch: NDArray[np.int64] | int,
        onset: NDArray[np.float64] | float,
        offset: NDArray[np.float64] | float,
    ) -> None:
        """A note goes to ``part`` (size,). ``offset`` may be infinite while it is held."""
        at = (_numbers(len(part)), part)
        state = self._state[at]  # (size, 6)
        last, mean, count = state[:, _PITCH], state[:, _MEAN], state[:, _COUNT]
        motion = np.minimum(np.maximum(pitch - last, -24), 24) / 12
        state[:, _MOTION] = motion * (count > 0)
        count += 1
        mean += (pitch - mean) / count
        last[:] = pitch
        state[:, _ONSET] = onset
        np.maximum(state[:, _OFFSET], offset, out=state[:, _OFFSET])
        self._state[at] = state

    def release(self, part: NDArray[np.int64], silent: NDArray[np.bool_], time: float) -> None:
        """A note of ``part`` (size,) ends; where it leaves its part ``silent``, that is noted."""
        at = (_numbers(len(part)), part, _OFFSET)
        self._state[at] = np.where(silent, time, self._state[at])

    def relate(
        self, pitch: NDArray[np.int64] | int, time: NDArray[np.float64] | float
    ) -> NDArray[np.float32]:
        """How a new note stands to each part, shape (size, parts, MEMORY_WIDTH).

        ``pitch`` and ``time`` (quarters) are one number or shape (size, 1). For each part: the
        interval from its last note (one of 27 bins); whether it has played; that interval and
        the one from its mean pitch, in octaves; how long ago it last began (log quarters) and
        ended (fading by half each quarter); whether it still sounds; whether it began in this
        chord; its last step in octaves; how many notes it has had (up to eight). Nothing of an
        offset later than ``time`` is seen but that the note is still held.
        """
        state = self._state
        size, parts, _ = state.shape
        now = np.empty((size, 1, 4))
        now[..., :2] = np.asarray(pitch)[..., None]
        now[..., 2:] = np.asarray(time)[..., None]
        distance = now - state[..., :4]  # pitch, pitch, quarters, quarters
        near = np.minimum(np.maximum(distance, _LOWEST), _HIGHEST)
        row = np.zeros((size, parts, MEMORY_WIDTH), np.float32)
        column = np.minimum(np.maximum(near[..., _PITCH], -_BINS), _BINS).ravel() + _BINS
        row.reshape(-1)[column.astype(np.intp) + _starts(size * parts)] = 1.0
        rest = row[..., 2 * _BINS + 1 :]
        held = distance[..., _OFFSET] < 0
        rest[..., 0] = 1.0
        rest[..., 1:3] = near[..., :2] / 12
        rest[..., 3] = np.log2(1 + near[..., _ONSET])
        rest[..., 4] = np.exp2(-near[..., _OFFSET]) * ~held
        rest[..., 5] = held
        rest[..., 6] = distance[..., _ONSET] < CHORD_WINDOW
        rest[..., 7] = state[..., _MOTION]
        count = state[..., _COUNT]
        rest[..., 8] = np.minimum(count, 8) / 8
        row *= (count > 0)[..., None]
        return row


@lru_cache(maxsize=64)
def _starts(rows: int) -> NDArray[np.intp]:
    """Where each of ``rows`` rows begins in a flat array."""
    return np.arange(rows) * MEMORY_WIDTH


@lru_cache(maxsize=64)
def _numbers(count: int) -> NDArray[np.intp]:
    return np.arange(count)
