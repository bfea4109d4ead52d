"""Call and response at one keyboard, after the rules of A.I. Duet: when a phrase is over, how much
of it is answered, for how long, and when the answer begins.

Knows phrases in seconds and a generator; not parts, sessions or threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from arranger.clock import DEFAULT_TEMPO, Clock
from arranger.continuation import Extent, Generator
from arranger.notes import DEFAULT_VELOCITY, NoteSequence, Tempo
from arranger.sampling import Sampling

from .protocol import DuetSpec

PAUSE = 0.6
"""Seconds without a key, after which a phrase is over."""

LONG = 3.0
"""Seconds after which a phrase is over as soon as no key is down."""

SHORTEST, LONGEST = 1.0, 8.0
"""Seconds of an answer."""

TOO_LONG, KEPT = 10.0, 15.0
"""Of a phrase longer than this, in seconds, the last so many are answered."""

FASTEST = 240.0
SAME = 0.05
"""Seconds within which two keys count as one onset."""

RESOLUTION = 480


class Sounded(NamedTuple):
    """A note in seconds."""

    onset: float
    end: float
    pitch: int
    velocity: int


class Phrase(NamedTuple):
    """What the player has said. ``ended``: the second at which it did."""

    notes: tuple[Sounded, ...]
    ended: float

    @property
    def tempo(self) -> float:
        return estimate_tempo([note.onset for note in self.notes])

    @property
    def length(self) -> float:
        """Seconds of the answer: as long as the phrase, within limits."""
        said = self.ended - self.notes[0].onset
        return min(max(said, SHORTEST), LONGEST)

    @property
    def begin(self) -> float:
        """The second at which the answer may begin: a 16th after the phrase."""
        return self.ended + 15.0 / self.tempo


class Listening:
    """Waits for phrases. Told of keys in order; ``due`` is the second at which a phrase is over if
    nothing happens before, None while none is."""

    def __init__(self) -> None:
        self.due: float | None = None
        self._begun: float | None = None
        self._notes: list[Sounded] = []

    def key_down(self, seconds: float) -> None:
        if self._begun is None:
            self._begun = seconds
        self.due = None

    def key_up(self, note: Sounded, silent: bool) -> None:
        """A note has ended; ``silent``: no key is down now."""
        if self._begun is None:
            return
        self._notes.append(note)
        if silent:
            self.due = note.end + (0.0 if note.end - self._begun > LONG else PAUSE)

    def take(self) -> Phrase | None:
        """The phrase that is over; the next one begins."""
        notes = sorted(self._notes)
        self.due, self._begun, self._notes = None, None, []
        if not notes:
            return None
        ended = max(note.end for note in notes)
        if ended - notes[0].onset > TOO_LONG:
            notes = [note for note in notes if note.onset >= ended - KEPT]
        return Phrase(tuple(notes), ended)


def estimate_tempo(onsets: Sequence[float]) -> float:
    """Quarters a minute, if the median time from one onset to the next is a quarter; halved while
    too fast, and 120 where four notes or fewer say too little."""
    gaps = [b - a for a, b in pairwise(sorted(onsets)) if b - a > SAME]
    if len(onsets) <= 4 or not gaps:
        return DEFAULT_TEMPO
    tempo = 60.0 / float(np.median(gaps))
    while tempo > FASTEST:
        tempo /= 2
    return max(tempo, 15.0)


def respond(generator: Generator, phrase: Phrase, spec: DuetSpec) -> Iterator[Sounded]:
    """The notes of an answer as they are decided, in seconds of the session."""
    tempo, first = phrase.tempo, phrase.notes[0].onset
    clock = Clock([Tempo(0, tempo)], RESOLUTION)

    def tick(seconds: float) -> int:
        return round(float(clock.ticks(seconds - first)))

    rows = []
    for note in phrase.notes:
        length = max(1, tick(note.end) - tick(note.onset))
        rows.append((tick(note.onset), note.pitch, length, note.velocity or DEFAULT_VELOCITY))
    heard, _ = NoteSequence.from_rows(rows, RESOLUTION, tempos=[Tempo(0, tempo)])
    extent, sampling = Extent(seconds=phrase.length), Sampling(temperature=spec.temperature)
    shift = phrase.begin - float(clock.seconds(int(heard.offset.max())))
    for new in generator.stream(heard, extent, sampling, spec.seed):
        begin, end = clock.seconds([new.onset, new.onset + new.duration]).tolist()
        yield Sounded(begin + shift, end + shift, new.pitch, new.velocity)
