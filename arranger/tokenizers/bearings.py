"""Where tokens stand in the music: their time, their place in the bar, the pitch last said.

Told from the ids alone, and from anywhere in a piece: what was said before is not asked for. Knows
what each token of a vocabulary changes; not notes, not grammars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..notes import IntArray

UNSAID = -1
"""What a token says of a thing that it does not speak of."""

_QUARTERS = (1, 2, 4, 8, 16, 32, 64, 3, 6, 12, 24, 48, 0.5, 128, 1.5, 96)
"""After how much time an angle is what it was: beats, bars, phrases."""

_BEFORE = (0, 0, 0, 60)
"""Bar, place, length and pitch as long as nothing has been said."""


class Where(NamedTuple):
    """Of each token, (batch, T): the ``time`` in quarters since the first, the ``place`` in its
    bar in ticks, and the last ``pitch``, its own included."""

    time: NDArray[np.float64]
    place: IntArray
    pitch: IntArray

    def angles(self, pairs: int) -> NDArray[np.float32]:
        """By what attention turns half of ``pairs`` pairs of numbers, (batch, T, pairs / 2): what
        was a bar ago is then as easily found as what was a token ago."""
        turns = self.time[..., None] / np.array(_QUARTERS[: pairs // 2])
        angles: NDArray[np.float32] = (2 * np.pi * (turns % 1)).astype(np.float32)
        return angles


@dataclass(frozen=True)
class Bearings:
    """What each token says, in arrays (tokens,), in ticks, or ``UNSAID``.

    ``bars``: whether it begins a bar, behind the one before by the length last said in
    ``lengths``. ``places``: how far from its bar it stands. ``pitches``: a pitch. ``rests``:
    whether it says that a voice rests. ``quarter``: the ticks of a quarter. ``cycle``: bars are as
    short as the grid, and so many of them make one of the music (0: each is one).
    """

    bars: NDArray[np.bool_]
    lengths: IntArray
    places: IntArray
    pitches: IntArray
    rests: NDArray[np.bool_]
    quarter: int
    cycle: int = 0

    @classmethod
    def silent(cls, tokens: int, quarter: int, cycle: int = 0) -> Bearings:
        """Those of tokens that say nothing yet."""
        lengths, places, pitches = (np.full(tokens, UNSAID) for _ in range(3))
        bars, rests = np.zeros((2, tokens), bool)
        return cls(bars, lengths, places, pitches, rests, quarter, cycle)

    @property
    def count(self) -> int:
        """How many places a bar may have."""
        return self.cycle or int(self.places.max()) + 1

    def read(self, ids: IntArray, past: IntArray | None = None) -> tuple[Where, IntArray]:
        """Where ``ids`` (batch, T) stand behind those that led to ``past``; None: none.

        Returns that, and the past behind them, (batch, 4).
        """
        past = np.tile(_BEFORE, (len(ids), 1)) if past is None else past
        place = _held(self.places[ids], past[:, 1])
        length = _held(self.lengths[ids], past[:, 2])
        pitch = _held(self.pitches[ids], past[:, 3])
        before = np.concatenate([past[:, 2:3], length[:, :-1]], axis=1)
        bar = past[:, :1] + np.cumsum(np.where(self.bars[ids], before, 0), axis=1)
        time = bar + place
        behind = np.stack([bar[:, -1], place[:, -1], length[:, -1], pitch[:, -1]], axis=1)
        if self.cycle:
            place = time % self.cycle
        return Where(time / self.quarter, place, pitch), behind


def _held(said: IntArray, before: IntArray) -> IntArray:
    """What was last said (batch, T), ``before`` (batch,) until something is."""
    known = np.concatenate([before[:, None], said], axis=1)
    latest = np.where(known == UNSAID, 0, np.arange(known.shape[1]))
    latest[:, 0] = 0
    held: IntArray = np.take_along_axis(known, np.maximum.accumulate(latest, axis=1), axis=1)
    return held[:, 1:]
