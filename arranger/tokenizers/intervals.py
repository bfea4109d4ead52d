"""The intervals between the pitches that tokens say: what stays as it is in every key.

Told from the ids alone, and from anywhere in a piece, as bearings are. Knows what pitch each token
says; not notes, not grammars, not models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..notes import IntArray
from .bearings import UNSAID, Bearings

REACH = 36
"""Semitones. What lies further apart counts as so far apart."""

SIZES = 2 * REACH + 2
"""How many intervals there are: down, up, none, and that of what is not a pitch (the last)."""


class Intervals:
    """``heard`` and ``foretold``: to which pitches intervals are taken, 1 being the one just
    before; a voice that rests keeps its turn, with no interval to it."""

    def __init__(self, bearings: Bearings, heard: Sequence[int], foretold: Sequence[int]) -> None:
        self._pitches = bearings.pitches
        self._turns = bearings.rests | (bearings.pitches != UNSAID)
        self._heard = np.array(heard)
        self._foretold = np.array(foretold)
        self._most = max(*heard, *foretold) + 1

    def read(self, ids: IntArray, past: IntArray | None = None) -> tuple[IntArray, IntArray]:
        """The pitches said by ``ids`` (batch, T) behind those that led to ``past``; None: none.

        Returns for each token, its own included, the latest of them from the last one back,
        (batch, T, count), ``UNSAID`` for a rest and before the first, and the past behind them.
        """
        most = self._most
        before = np.full((len(ids), most), UNSAID) if past is None else past
        said, turns = self._pitches[ids], self._turns[ids]
        last = most - 1 + np.cumsum(turns, axis=1)
        pitches = np.concatenate([before, np.full_like(said, UNSAID)], axis=1)
        rows, columns = np.nonzero(turns)
        pitches[rows, last[rows, columns]] = said[rows, columns]
        latest = pitches[np.arange(len(ids))[:, None, None], last[..., None] - np.arange(most)]
        return latest, latest[:, -1, ::-1]

    def heard(self, latest: IntArray) -> IntArray:
        """The intervals of the last pitch to those before it, (batch, T, heard): which of all,
        those to one pitch before those to the next."""
        found = _between(latest[..., :1], latest[..., self._heard])
        return found + SIZES * np.arange(len(self._heard))

    def foretold(self, latest: IntArray) -> IntArray:
        """The intervals that each token would make if it came next, (batch, T, foretold, tokens),
        counted in the same way."""
        found = _between(self._pitches, latest[..., self._foretold - 1, None])
        return found + SIZES * np.arange(len(self._foretold))[:, None]


def _between(pitch: IntArray, before: IntArray) -> IntArray:
    known = (pitch != UNSAID) & (before != UNSAID)
    found: IntArray = np.where(known, np.clip(pitch - before, -REACH, REACH) + REACH, SIZES - 1)
    return found
