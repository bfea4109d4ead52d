"""What is said of notes, while what is believed of them may still change.

A belief is a beam of alternatives that grows with all that is heard. A Speaker says of each note
the part that the belief then finds likeliest: at once, or a little later, when more has been heard.
What has been said stays said, and keeps the rules of the ensemble by itself. Knows beams; not
models, features or sessions.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from .decoding import Beam, Floats, Rules

_IMPOSSIBLE = -50.0
"""Log probability of what no alternative of a belief holds."""


class Decision(NamedTuple):
    """The part that note ``note``, counted from 0 as heard, was given, how sure it is, and how
    likely the model found each part then, (parts,)."""

    note: int
    part: int
    confidence: float
    likely: Floats


class _Waiting(NamedTuple):
    """A note of which nothing has been said yet; ``ends`` counts the notes that ended before it."""

    note: int
    pitch: int
    time: float
    lock: int | None
    ends: int


class Speaker:
    """``look_ahead``: for how many quarters after a note is struck its part may wait to be said.
    ``legato``: as a Beam's, for what is said."""

    def __init__(self, rules: Rules, look_ahead: float, legato: float | None) -> None:
        self.look_ahead = look_ahead
        self._said = Beam(rules, legato=legato)
        self._waiting: deque[_Waiting] = deque()
        self._ended: deque[int] = deque()
        self._ends = 0

    def strike(
        self, notes: Sequence[int], pitches: Sequence[int], time: float, locks: Mapping[int, int]
    ) -> None:
        """Notes that the belief has heard last."""
        ends = self._ends + len(self._ended)
        for note, pitch in zip(notes, pitches, strict=True):
            self._waiting.append(_Waiting(note, pitch, time, locks.get(note), ends))

    def end(self, note: int) -> None:
        """A note ends, whether or not its part has been said."""
        self._ended.append(note)

    def due(self, belief: Beam, before: float = math.inf) -> list[Decision]:
        """Say the parts that must be said before the time ``before`` (quarters)."""
        if not self._waiting:
            return []
        likely = belief.posterior(len(self._waiting))
        count = sum(note.time + self.look_ahead < before for note in self._waiting)
        log_likely = np.full_like(likely, _IMPOSSIBLE)
        np.log(likely, out=log_likely, where=likely > 0)
        now = [self._waiting.popleft() for _ in range(count)]
        row = {note.note: n for n, note in enumerate(now)}

        def score(note: int, _: object) -> Floats:
            return log_likely[row[note] : row[note] + 1]

        for (time, ends), together in groupby(now, key=lambda note: (note.time, note.ends)):
            chord = list(together)
            self._end(ends, time)
            locks = {note.note: note.lock for note in chord if note.lock is not None}
            pitches = [note.pitch for note in chord]
            self._said.press([note.note for note in chord], pitches, time, score, locks)
        said = zip(now, self._said.latest(count), likely, strict=False)
        return [Decision(n.note, part, min(1.0, float(p[part])), p) for n, (part, _), p in said]

    def _end(self, ends: int, time: float) -> None:
        """End what had ended when the next note was struck; all of it has been said by now."""
        while self._ends < ends:
            self._said.release(self._ended.popleft(), time)
            self._ends += 1
