"""What an ear at the keyboard knows at the moment a key goes down.

A Listener hears keys go down and up, in time order, and can describe the keys around a new note.
It is the only source of such features, in training and in use, so that a live model cannot see
what has not happened yet. Knows keys and time in quarters; not parts, hints or models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

REACH = 24
"""Semitones that a description reaches below and above a note."""

SPAN = 2 * REACH + 1
CHORD_WINDOW = 0.125
"""Quarters within which keys count as struck together."""

_LONG_AGO = -1e9


class Heard(NamedTuple):
    """What was known of a note: ``timing`` (3,) and the ``keys`` around it (3, SPAN)."""

    timing: tuple[float, float, float]
    keys: NDArray[np.float32]


class Listener:
    """The state of all keys: how often each is held, since when, and, of those that are up, when
    it was last let go."""

    def __init__(self) -> None:
        keys = 128 + 2 * REACH
        self._held = np.zeros(keys, np.float32)
        self._struck_at = np.full(keys, _LONG_AGO)
        self._released_at = np.full(keys, _LONG_AGO)
        self._previous = _LONG_AGO
        self._ordinal = 0

    def key_down(self, pitch: int, time: float) -> None:
        """The key ``pitch`` goes down at ``time`` quarters."""
        self._ordinal = self._ordinal + 1 if time - self._previous < CHORD_WINDOW else 0
        self._previous = time
        self._held[pitch + REACH] += 1
        self._struck_at[pitch + REACH] = time
        self._released_at[pitch + REACH] = _LONG_AGO

    def key_up(self, pitch: int, time: float) -> None:
        """The key ``pitch`` goes up; ignored if it was not down."""
        if self._held[pitch + REACH] > 0:
            self._held[pitch + REACH] -= 1
            if self._held[pitch + REACH] == 0:
                self._released_at[pitch + REACH] = time

    def around(self, pitch: int, time: float) -> NDArray[np.float32]:
        """The keys up to REACH semitones around ``pitch``, shape (3, SPAN).

        Rows: held since an earlier chord; held and struck in this chord (counts); released,
        fading by half each quarter.
        """
        near = slice(pitch, pitch + SPAN)
        held = self._held[near]
        view = np.empty((3, SPAN), np.float32)
        np.multiply(held, self._struck_at[near] > time - CHORD_WINDOW, out=view[1])
        np.subtract(held, view[1], out=view[0])
        np.exp2(self._released_at[near] - time, out=view[2])
        return view

    def timing(self, time: float) -> tuple[float, float, float]:
        """Since the last key went down: how long (log quarters), whether it counts as the same
        chord, and how many keys that chord has so far (in fours)."""
        gap = min(max(time - self._previous, 0.0), 64.0)
        together = gap < CHORD_WINDOW
        return math.log2(1.0 + gap), float(together), (self._ordinal + 1) * together / 4

    def hear_note(self, pitch: int, time: float) -> Heard:
        """A key goes down by itself: what was known of it at that moment."""
        heard = Heard(self.timing(time), self.around(pitch, time))
        self.key_down(pitch, time)
        return heard

    def hear_chord(self, pitches: Sequence[int], time: float) -> list[Heard]:
        """Keys go down together: each is described as the last of the chord."""
        timings = []
        for pitch in pitches:
            timings.append(self.timing(time))
            self.key_down(pitch, time)
        heard = [
            Heard(timing, self.around(p, time)) for timing, p in zip(timings, pitches, strict=True)
        ]
        for one in heard:
            one.keys[1, REACH] -= 1  # the note itself
        return heard
