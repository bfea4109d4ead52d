"""What the generator's side of a duet is at: it listens, thinks, or plays its answer.

A Response is told of keys and of the notes that the generator decides, and says what is to happen
at which second. Knows phrases and seconds; not arrangers, threads or clocks.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

from .duet import Listening, Phrase, Sounded

LEAD = 0.1
"""Seconds by which a note of an answer is announced before it sounds."""


class Cue(NamedTuple):
    """At ``seconds`` note ``number`` of the answer begins (``is_on``) or ends."""

    seconds: float
    is_on: bool
    number: int
    pitch: int
    velocity: int


class Response:
    """``phrase`` waits for a generator, and whoever has one takes it by ``think``. ``lead``: how
    long before it sounds a note is due."""

    def __init__(self, lead: float) -> None:
        self.listening = Listening()
        self.phrase: Phrase | None = None
        self.answering = 0
        """Counts the phrases; notes that answer an earlier one come too late."""
        self.active = False
        """Whether a phrase is being answered."""
        self._lead = lead
        self._cues: list[Cue] = []
        self._count = 0
        self._complete = False
        self._lag: float | None = None

    @property
    def due(self) -> float | None:
        """The second at which something happens next."""
        if self._cues:
            return self._cues[0].seconds - self._lead
        return None if self.active else self.listening.due

    def hear_out(self, seconds: float) -> bool:
        """Whether a phrase is over at ``seconds``; it then waits to be answered."""
        over = not self.active and self.listening.due is not None
        if not over or seconds < (self.listening.due or 0.0):
            return False
        self.phrase = self.listening.take()
        self.answering += 1
        self.active, self._complete, self._lag = True, False, None
        return True

    def think(self) -> Phrase | None:
        """The phrase that waits, once."""
        phrase, self.phrase = self.phrase, None
        return phrase

    def add(self, answering: int, note: Sounded, seconds: float) -> None:
        """The generator has decided a note, at ``seconds``. An answer that comes late begins
        late, and keeps its rhythm."""
        if answering != self.answering or not self.active:
            return
        soonest = seconds + self._lead
        if self._lag is None:
            self._lag = max(0.0, soonest - note.onset)
        onset = max(note.onset + self._lag, soonest)
        end = max(note.end + self._lag, onset + 0.05)
        heappush(self._cues, Cue(onset, True, self._count, note.pitch, note.velocity))
        heappush(self._cues, Cue(end, False, self._count, note.pitch, note.velocity))
        self._count += 1

    def complete(self, answering: int) -> None:
        """The generator has said all."""
        self._complete |= answering == self.answering

    def cues(self, seconds: float) -> list[Cue]:
        """What is due at ``seconds``, in order."""
        found = []
        while self._cues and self._cues[0].seconds - self._lead <= seconds:
            found.append(heappop(self._cues))
        return found

    def finish(self) -> bool:
        """Whether the answer has just come to its end."""
        ended = self.active and self._complete and not self._cues
        if ended:
            self.active = False
        return ended

    def cancel(self) -> bool:
        """The player plays: whether that cut an answer short."""
        was_active, self.active = self.active, False
        self.phrase, self._cues = None, []
        self.answering += was_active
        return was_active
