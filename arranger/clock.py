"""Ticks to seconds and back, through the tempos of a piece.

Knows tempos; not notes. Before the first tempo, and where there is none, a quarter lasts half a
second, as MIDI has it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .notes import Tempo

DEFAULT_TEMPO = 120.0


class Clock:
    """The time of a piece with ``resolution`` ticks a quarter; the last tempo goes on for ever."""

    def __init__(self, tempos: Iterable[Tempo], resolution: int) -> None:
        known = {0: DEFAULT_TEMPO} | {tempo.tick: tempo.quarters for tempo in tempos}
        ordered = sorted(known.items())
        self._ticks = np.array([tick for tick, _ in ordered], dtype=np.float64)
        self._rate = np.array([60.0 / (quarters * resolution) for _, quarters in ordered])
        passed = np.diff(self._ticks) * self._rate[:-1]
        self._seconds = np.concatenate([[0.0], np.cumsum(passed)])

    def seconds(self, ticks: ArrayLike) -> NDArray[np.float64]:
        """When each tick comes, in seconds."""
        at = np.asarray(ticks, dtype=np.float64)
        i = np.maximum(np.searchsorted(self._ticks, at, side="right") - 1, 0)
        return np.asarray(self._seconds[i] + (at - self._ticks[i]) * self._rate[i])

    def ticks(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """The tick, not rounded, that comes at each second."""
        at = np.asarray(seconds, dtype=np.float64)
        i = np.maximum(np.searchsorted(self._seconds, at, side="right") - 1, 0)
        return np.asarray(self._ticks[i] + (at - self._seconds[i]) / self._rate[i])
