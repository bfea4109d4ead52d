"""The longest run that notes have in common with a training set: a model that recites shows it.

Notes are compared by what they add to the note before them: semitones and 16ths, in the order
(onset, pitch). A run is thus found in any key and anywhere in a bar; durations and velocities do
not count. Knows notes alone.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from arranger.notes import NoteSequence

from .metrics import SIXTEENTHS

Words = NDArray[np.uint64]

_BASE = np.uint64(0x9E3779B97F4A7C15)


class KnownRuns:
    """The runs of ``pieces``.

    Runs of equal length are told apart by 64-bit hashes: among a million of them, one in some ten
    thousand million would by chance be taken for known.
    """

    def __init__(self, pieces: Iterable[NoteSequence]) -> None:
        self._pieces = [_steps(notes) for notes in pieces]
        self._known: dict[int, Words] = {}

    def longest(self, notes: NoteSequence) -> int:
        """How many notes of ``notes`` in a row stand in a row in some piece; 0 without notes."""
        steps = _steps(notes)
        known, unknown = 0, len(steps) + 1  # a part of a known run is known
        while unknown - known > 1:
            length = (known + unknown) // 2
            if _any_of(_runs(steps, length), self._of(length)):
                known = length
            else:
                unknown = length
        return known + 1 if len(notes) else 0

    def _of(self, length: int) -> Words:
        if length not in self._known:
            runs = [_runs(steps, length) for steps in self._pieces]
            self._known[length] = np.unique(np.concatenate([np.zeros(0, np.uint64), *runs]))
        return self._known[length]


def _any_of(words: Words, known: Words) -> bool:
    """Whether one of ``words`` is among ``known``, which are sorted."""
    if not len(known):
        return False
    place = np.minimum(np.searchsorted(known, words), len(known) - 1)
    return bool((known[place] == words).any())


def _steps(notes: NoteSequence) -> Words:
    """A word for each note but the first: semitones and 16ths from the note before it."""
    times = np.rint(notes.onset * SIXTEENTHS / notes.resolution).astype(np.int64)
    words = (np.diff(times) * 256 + np.diff(notes.pitch) + 128).astype(np.uint64)
    return _mixed(words)


def _mixed(words: Words) -> Words:
    """Words whose bits depend on all bits of what they were (splitmix64)."""
    words = (words + _BASE) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _runs(steps: Words, length: int) -> Words:
    """A hash of each ``length`` steps in a row, a sum of powers in the integers modulo 2 ** 64."""
    if len(steps) < length:
        return np.zeros(0, np.uint64)
    count = len(steps) - length + 1
    runs = np.zeros(count, np.uint64)
    done, size, doubled = 0, 1, steps
    while done < length:  # by the binary digits of the length
        if length & size:
            runs = runs * _power(size) + doubled[done : done + count]
            done += size
        if len(doubled) > size:
            doubled = doubled[:-size] * _power(size) + doubled[size:]
        size *= 2
    return runs


def _power(exponent: int) -> np.uint64:
    return np.uint64(pow(int(_BASE), exponent, 2**64))
