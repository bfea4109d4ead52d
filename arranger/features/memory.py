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

_PITCH, _NEAR_PITCH, _MEAN, _ONSET, _OFFSET = range(5)
_PLAYED, _MOTION, _SHARE, _COUNT, _VELOCITY, _TOGETHER = range(5, 11)
"""What is remembered of a part: first what a new note is compared with (the pitch twice), then what
it is told as it stands."""

_KEYS = 128 + 2 * _NEAR
_LOWEST = np.array([-_BINS, -36.0, -36.0, 0.0, 0.0])
_HIGHEST = np.array([_BINS, 36.0, 36.0, 64.0, 64.0])
_NEVER = -1e9
_ZERO, _ONE, _OCTAVE, _WINDOW = map(np.array, (0.0, 1.0, 12.0, CHORD_WINDOW))


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
        self._width = memory_width(recalls)
        self._state = np.zeros((size, parts, 11))
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
        chosen.recalls, chosen._width = self.recalls, self._width
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
        state = self._state[at].T  # (11, size)
        count = state[_COUNT]
        motion = np.minimum(np.maximum(pitch - state[_PITCH], -24), 24)
        state[_MOTION] = motion * state[_PLAYED] / 12
        state[_PITCH:_MEAN] = pitch
        if self.recalls:
            state[_VELOCITY] = velocity
            state[_TOGETHER] *= onset - state[_ONSET] < CHORD_WINDOW
            state[_TOGETHER] += 1
        if self._struck is not None:
            self._struck[(*at, pitch + _NEAR)] = onset
        count += 1
        state[_MEAN] += (pitch - state[_MEAN]) / count
        state[_SHARE] = np.minimum(count, 8) / 8
        state[_PLAYED] = 1
        state[_ONSET] = onset
        state[_OFFSET] = np.maximum(state[_OFFSET], offset)
        self._state[at] = state.T

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
        now = np.array((pitch, pitch, pitch, time, time), np.float64).T.reshape(-1, 1, 5)
        distance = now - state[..., : _OFFSET + 1]
        near = np.minimum(np.maximum(distance, _LOWEST), _HIGHEST)
        row = np.zeros((size, parts, self._width), np.float32)
        row.put(near[..., 0].astype(np.intp) + _middles(size, parts, self._width), 1.0)
        rest = row[..., 2 * _BINS + 1 :]
        held = distance[..., _OFFSET] < _ZERO
        together = rest[..., 6]
        rest[..., 0] = 1.0
        np.divide(near[..., 1:3], _OCTAVE, out=rest[..., 1:3])
        np.log2(near[..., _ONSET] + _ONE, out=rest[..., 3])
        np.subtract(np.exp2(-near[..., _OFFSET]), held, out=rest[..., 4])  # 0 while it is held
        rest[..., 5] = held
        np.less(distance[..., _ONSET], _WINDOW, out=together)
        rest[..., 7:9] = state[..., _MOTION:_COUNT]
        end = 9
        for name in self.recalls:
            begin, end = end, end + RECALLS[name]
            block = rest[..., begin:end]
            if name == "touch":
                self._relate_touch(block, velocity, together)
            else:
                self._relate_keys(block, pitch, time)
        row *= state[..., _PLAYED, None]
        return row

    def _relate_touch(
        self,
        block: NDArray[np.float32],
        velocity: NDArray[np.int64] | int,
        together: NDArray[np.float32],
    ) -> None:
        last = self._state[..., _VELOCITY]
        known = np.minimum(last, velocity) > 0
        change = np.minimum(np.maximum(velocity - last, -32), 32) * known
        np.divide(change, 16, out=block[..., 0])
        np.greater(known, change != 0, out=block[..., 1])
        np.multiply(np.minimum(self._state[..., _TOGETHER], 8) / 4, together, out=block[..., 2])

    def _relate_keys(
        self,
        block: NDArray[np.float32],
        pitch: NDArray[np.int64] | int,
        time: NDArray[np.float64] | float,
    ) -> None:
        assert self._struck is not None
        if isinstance(pitch, int):
            struck = self._struck[..., pitch : pitch + len(_AROUND)]  # (size, parts, 25)
        else:
            around = pitch[..., None] + _AROUND  # (size, 1, 25)
            struck = np.take_along_axis(self._struck, around, axis=2)
        since = np.empty(block.shape)
        np.subtract(struck, np.asarray(time)[..., None], out=since[..., : len(_AROUND)])
        np.multiply(since[..., _NEAR, None], _SLOWLY, out=since[..., len(_AROUND) :])
        np.exp2(since, out=block)


_AROUND = np.arange(2 * _NEAR + 1)
_SLOWLY = np.array([1 / 8, 1 / 64])


@lru_cache(maxsize=64)
def _middles(size: int, parts: int, width: int) -> NDArray[np.intp]:
    """Where in the flat array of ``size`` times ``parts`` rows the bin of no interval is."""
    return np.arange(size * parts).reshape(size, parts) * width + _BINS


@lru_cache(maxsize=64)
def _numbers(count: int) -> NDArray[np.intp]:
    return np.arange(count)
