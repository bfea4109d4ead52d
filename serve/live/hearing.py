"""What an arranger hears of a session, and what it says of the notes in it.

The arranger counts the notes that it has heard; a Hearing knows which notes of ours these are, so
that an arranger may be replaced by another that hears the last of the music anew. Knows
arrangers and notes; not messages, nor when anything happens.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from arranger.hints import Hints
from arranger.speaking import Decision

from .lineup import Lineup

SLICE = 4
"""Gestures that are heard anew before others have their turn; about a millisecond."""


@dataclass(slots=True, eq=False)
class Played:
    """A note of a session. ``onset`` and ``end`` are in seconds, ``quarters`` is the onset in
    quarters, ``struck`` when its key was heard by our clock; ``part`` is None until it is said."""

    number: int
    pitch: int
    velocity: int | None
    onset: float
    quarters: float
    struck: float
    lineup: Lineup
    by_duet: bool = False
    end: float | None = None
    part: int | None = None
    confidence: float = 1.0


class Gesture(NamedTuple):
    """The keys of ``notes`` go down together, or the key of one goes up, at ``quarters``."""

    quarters: float
    is_on: bool
    notes: tuple[Played, ...]


class Hearing:
    """``look_ahead``, in quarters: for how long an answer may wait."""

    def __init__(self, lineup: Lineup, hints: Hints, look_ahead: float) -> None:
        self.lineup = lineup
        self.hints = hints
        self.look_ahead = look_ahead
        self._session = lineup.session(hints, look_ahead)
        self._heard: list[Played] = []

    def strike(
        self, notes: Sequence[Played], quarters: float, locks: Mapping[int, int]
    ) -> list[Played]:
        """Keys go down; ``locks`` maps a place in ``notes`` to its part. Returns the notes, these
        or earlier ones, whose part has now been said."""
        self._heard += notes
        pitches = [note.pitch for note in notes]
        velocities = [note.velocity or 0 for note in notes]
        return self._said(self._session.chord_on(pitches, quarters, velocities, locks))

    def release(self, note: Played, quarters: float) -> list[Played]:
        """The key of ``note`` goes up."""
        self._session.note_off(note.pitch, quarters)
        return self.advance(quarters) if self.look_ahead else []

    def advance(self, quarters: float) -> list[Played]:
        """Nothing more happens before ``quarters``."""
        return self._said(self._session.advance(quarters))

    def anew(
        self, lineup: Lineup, hints: Hints, past: Iterable[Gesture]
    ) -> Generator[tuple[()], None, Hearing]:
        """Another hearing that has heard the ``past``. What was said stays said, if it was said
        for these parts. Pauses, with nothing to say, so that others may have their turn."""
        other = Hearing(lineup, hints, self.look_ahead)
        known: set[Played] = set()
        for n, (quarters, is_on, notes) in enumerate(past):
            if is_on:
                known.update(notes)
                other.strike(notes, quarters, _parts(notes, lineup))
            elif notes[0] in known:
                other.release(notes[0], quarters)
            if n % SLICE == 0:
                yield ()
        other.advance(math.inf)
        return other

    def _said(self, decisions: Iterable[Decision]) -> list[Played]:
        said = []
        for decision in decisions:
            note = self._heard[decision.note]
            if note.part is None:
                note.part, note.confidence = decision.part, decision.confidence
                said.append(note)
        return said


def _parts(notes: Sequence[Played], lineup: Lineup) -> dict[int, int]:
    """The parts that ``notes`` have in ``lineup``."""
    return {
        n: note.part
        for n, note in enumerate(notes)
        if note.part is not None and note.lineup.ensemble == lineup.ensemble
    }
