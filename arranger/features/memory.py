"""What each part has played so far, under the decisions made so far.

A PartMemory follows several alternatives at once (the hypotheses of a beam, or the pieces of a
batch): its arrays begin with that axis. Beside the last note of each part it can remember, where a
model asks for it, how hard each part plays and when it last struck each key. Knows parts as
numbers; not rules, scores or models.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .listening import CHORD_WINDOW

_BINS = 13
"""Semitones to a part's last note that are told apart exactly, each way."""

_LAST = 2 * _BINS + 1 + 9
_NEAR = 12
"""Semitones below and above a note within which the keys of a part are remembered."""

RECALLS = {"touch": 3, "keys": 2 * _NEAR + 3}
"""What a memory can hold beside the last notes, and how many numbers that gives for each part."""

_PITCH, _MEAN, _ONSET, _OFFSET, _MOTION, _COUNT, _VELOCITY, _TOGETHER = range(8)
_KEYS = 128 + 2 * _NEAR
_LOWEST = np.array([-36.0, -36.0, 0.0, 0.0])
_HIGHEST = np.array([36.0, 36.0, 64.0, 64.0])
_NEVER = -1e9


def memory_width(recalls: Sequence[str] = ()) -> int:
    """Numbers that ``PartMemory.relate`` gives for each part; ``recalls`` are names of RECALLS."""
    return _LAST + sum(RECALLS[name] for name in recalls)


class PartMemory:
    """The last notes of each part, for ``size`` alternatives of ``parts`` parts.

    ``recalls``: touch (how hard each part plays, and how many notes of this chord it has), keys
    (when each part last struck the keys around a note).
    """

    def __init__(self, size: int, parts: int, recalls: Sequence[str] = ()) -> None:
        self.recalls = tuple(recalls)
        self._state = np.zeros((size, parts, 8))
        self._state[..., (_ONSET, _OFFSET)] = _NEVER
        self._struck: NDArray[np.float64] | None = None
        if "keys" in self.recalls:
            self._struck = np.full((size, parts, _KEYS), _NEVER)

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
        chosen.recalls = self.recalls
        chosen._state = self._state[rows]
        chosen._struck = None if self._struck is None else self._struck[rows]
        return chosen

    def assign(
        self,
        part: NDArray[np.int64],
        pitch: NDArray[np.int64] | int,
        onset: NDArray[np.float64] | float,
        offset: NDArray[np.float64] | float,
        velocity: NDArray[np.int64] | int = 0,
    ) -> None:
        """A note goes to ``part`` (size,). ``offset`` may be infinite while it is held;
        ``velocity`` is 0 where it is not known."""
        at = (_numbers(len(part)), part)
        state = self._state[at]  # (size, 8)
        last, mean, count = state[:, _PITCH], state[:, _MEAN], state[:, _COUNT]
        if self.recalls:
            state[:, _VELOCITY] = velocity
            state[:, _TOGETHER] *= onset - state[:, _ONSET] < CHORD_WINDOW
            state[:, _TOGETHER] += 1
        if self._struck is not None:
            self._struck[(*at, pitch + _NEAR)] = onset
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
        self,
        pitch: NDArray[np.int64] | int,
        time: NDArray[np.float64] | float,
        velocity: NDArray[np.int64] | int = 0,
    ) -> NDArray[np.float32]:
        """How a new note stands to each part, shape (size, parts, ``memory_width(recalls)``).

        ``pitch``, ``time`` (quarters) and ``velocity`` are one number or shape (size, 1). For each
        part: the interval from its last note (one of 27 bins); whether it has played; that
        interval and the one from its mean pitch, in octaves; how long ago it last began (log
        quarters) and ended (fading by half each quarter); whether it still sounds; whether it
        began in this chord; its last step in octaves; how many notes it has had (up to eight).
        Nothing of an offset later than ``time`` is seen but that the note is still held.

        Then, if recalled, of its touch: the difference from its last velocity, whether that is
        none, and how many notes of this chord it has; of its keys: how long ago it struck each of
        those up to an octave around the note (fading by half each quarter), and the note's own
        key (fading by half each eight and each 64 quarters).
        """
        state = self._state
        size, parts, _ = state.shape
        now = np.empty((size, 1, 4))
        now[..., :2] = np.asarray(pitch)[..., None]
        now[..., 2:] = np.asarray(time)[..., None]
        distance = now - state[..., :4]  # pitch, pitch, quarters, quarters
        near = np.minimum(np.maximum(distance, _LOWEST), _HIGHEST)
        width = memory_width(self.recalls)
        row = np.zeros((size, parts, width), np.float32)
        column = np.minimum(np.maximum(near[..., _PITCH], -_BINS), _BINS).ravel() + _BINS
        row.reshape(-1)[column.astype(np.intp) + _starts(size * parts, width)] = 1.0
        rest = row[..., 2 * _BINS + 1 : _LAST]
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
        end = _LAST
        for name in self.recalls:
            begin, end = end, end + RECALLS[name]
            block = row[..., begin:end]
            if name == "touch":
                self._relate_touch(block, velocity, rest[..., 6])
            else:
                self._relate_keys(block, pitch, time)
        row *= (count > 0)[..., None]
        return row

    def _relate_touch(
        self,
        block: NDArray[np.float32],
        velocity: NDArray[np.int64] | int,
        together: NDArray[np.float32],
    ) -> None:
        last = self._state[..., _VELOCITY]
        known = (last > 0) & (np.asarray(velocity) > 0)
        change = np.clip(velocity - last, -32, 32) * known
        block[..., 0] = change / 16
        block[..., 1] = known & (change == 0)
        block[..., 2] = np.minimum(self._state[..., _TOGETHER], 8) / 4 * together

    def _relate_keys(
        self,
        block: NDArray[np.float32],
        pitch: NDArray[np.int64] | int,
        time: NDArray[np.float64] | float,
    ) -> None:
        assert self._struck is not None
        size = len(self._struck)
        around = np.broadcast_to(np.asarray(pitch), (size, 1)) + _AROUND  # (size, 25)
        struck = self._struck[np.arange(size)[:, None], :, around]  # (size, 25, parts)
        ago = np.asarray(time)[..., None] - struck.transpose(0, 2, 1)
        block[..., : len(_AROUND)] = np.exp2(-ago)
        own = ago[..., _NEAR]
        block[..., -2] = np.exp2(-own / 8)
        block[..., -1] = np.exp2(-own / 64)


_AROUND = np.arange(2 * _NEAR + 1)


@lru_cache(maxsize=64)
def _starts(rows: int, width: int) -> NDArray[np.intp]:
    """Where each of ``rows`` rows begins in a flat array."""
    return np.arange(rows) * width


@lru_cache(maxsize=64)
def _numbers(count: int) -> NDArray[np.intp]:
    return np.arange(count)
