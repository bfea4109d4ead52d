"""The intervals between the pitches that tokens say: what stays as it is in every key.

Told from the ids alone, and from anywhere in a piece, as bearings are. Knows what pitch each token
says; not notes, not grammars, not models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..notes import IntArray
from .bearings import UNSAID

REACH = 36
"""Semitones. What lies further apart counts as so far apart."""

SIZES = 2 * REACH + 2
"""How many intervals there are: down, up, none, and that of what is not a pitch (the last)."""


class Intervals:
    """``pitches`` (tokens,): the pitch that each token says, or ``UNSAID``. ``back``: to which
    pitches an interval is taken: 1 is the one just before, 2 the one before that."""

    def __init__(self, pitches: IntArray, back: Sequence[int]) -> None:
        self._pitches = pitches
        self._back = np.array(back)

    def read(self, ids: IntArray, past: IntArray | None = None) -> tuple[IntArray, IntArray]:
        """The pitches said last by ``ids`` (batch, T) behind those that led to ``past``, None:
        none.

        Returns for each token, its own pitch included, the latest pitches from the last one back,
        (batch, T, most + 1), ``UNSAID`` before the first; and the past behind them.
        """
        most = int(self._back.max()) + 1
        before = np.full((len(ids), most), UNSAID) if past is None else past
        said = self._pitches[ids]
        spoken = np.cumsum(said != UNSAID, axis=1)
        pitches = np.concatenate([before, np.full_like(said, UNSAID)], axis=1)
        rows, columns = np.nonzero(said != UNSAID)
        pitches[rows, most - 1 + spoken[rows, columns]] = said[rows, columns]
        last = most - 1 + spoken
        latest = pitches[np.arange(len(ids))[:, None, None], last[..., None] - np.arange(most)]
        return latest, latest[:, -1, ::-1]

    def heard(self, latest: IntArray) -> IntArray:
        """The intervals of the last pitch to those ``back`` before it, (batch, T, back): which of
        all, those to one before those to the next."""
        found = _between(latest[..., :1], latest[..., self._back])
        return found + SIZES * np.arange(len(self._back))

    def meant(self, latest: IntArray) -> IntArray:
        """The intervals that each token would make if it came next, (batch, T, back, tokens),
        counted in the same way."""
        found = _between(self._pitches, latest[..., self._back - 1, None])
        return found + SIZES * np.arange(len(self._back))[:, None]


def _between(pitch: IntArray, before: IntArray) -> IntArray:
    known = (pitch != UNSAID) & (before != UNSAID)
    found: IntArray = np.where(known, np.clip(pitch - before, -REACH, REACH) + REACH, SIZES - 1)
    return found
