"""Arrange as somebody plays: every note gets its part at the moment its key goes down.

A Session hears keys go down and up and nothing else, so it cannot know what comes later. Knows
checkpoints, features and the decoder; not files, sockets or clocks.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrangement import Arrangement
from .checkpoints import Checkpoint, load
from .decoding import Beam, Rules, report_violations
from .engine import Engine
from .ensembles import Ensemble
from .features import Listener, PartMemory, rows
from .features.listening import CHORD_WINDOW, Heard
from .hints import Hints
from .notes import NoteSequence
from .performance import KeyEvent, as_played, as_written


BELIEF_WIDTH = 8
_IMPOSSIBLE = -50.0


class Decision(NamedTuple):
    """The part that note ``note``, counted from 0 as heard, was given, and how sure it is."""

    note: int
    part: int
    confidence: float


class Session:
    """One player.

    What is believed of the past may change as more is heard (a beam of ``width`` alternatives);
    what has been said of a note does not. ``metrical``: times are quarters from a bar line, as from a sequencer; without
    it only the distances between times matter, at a tempo that need only be about right."""

    def __init__(
        self,
        engine: Engine,
        ensemble: Ensemble,
        hints: Hints | None = None,
        metrical: bool = True,
        width: int = BELIEF_WIDTH,
    ) -> None:
        if not engine.config.causal:
            raise ValueError("a live session needs a live or chord-live model, not an offline one")
        self._engine = engine
        self._hints = hints or Hints()
        self._metrical = metrical
        self._listener = Listener()
        self._state = engine.initial_state()
        legato = None if metrical else CHORD_WINDOW
        rules = Rules(ensemble)
        self._belief = Beam(rules, width, engine.remembers, legato)
        self._spoken = Beam(rules, 1, False, legato)
        self._count = 0
        self._down: defaultdict[int, deque[int]] = defaultdict(deque)

    def note_on(self, pitch: int, time: float) -> Decision:
        """The key ``pitch`` goes down at ``time`` quarters, not before any earlier event."""
        if self._engine.config.view == "chord":
            return self.chord_on([pitch], time)[0]
        return self._decide([pitch], time, [self._listener.hear_note(pitch, time)])[0]

    def chord_on(self, pitches: Sequence[int], time: float) -> list[Decision]:
        """Keys, in any order, go down together; the decisions are in the order of the keys."""
        order = sorted(range(len(pitches)), key=pitches.__getitem__)
        keys = [pitches[i] for i in order]
        if self._engine.config.view == "chord":
            decided = self._decide(keys, time, self._listener.hear_chord(keys, time))
        else:
            decided = [self.note_on(pitch, time) for pitch in keys]
        return [decided[place] for place in np.argsort(order, kind="stable").tolist()]

    def note_off(self, pitch: int, time: float) -> int | None:
        """The key ``pitch`` goes up: the note that ends, the first struck of those held by this
        key; None if none was."""
        self._listener.key_up(pitch, time)
        if not self._down[pitch]:
            return None
        note = self._down[pitch].popleft()
        self._belief.release(note, time)
        self._spoken.release(note, time)
        return note

    def _decide(self, pitches: list[int], time: float, heard: list[Heard]) -> list[Decision]:
        engine, first = self._engine, self._count
        codes, values = rows(
            engine.config.spec,
            self._hints,
            np.array(pitches),
            np.full(len(pitches), time),
            heard,
            self._metrical,
        )
        read = []
        for code, value in zip(codes, values, strict=True):
            row, self._state = engine.step(code, value, self._state)
            read.append(row)

        def score(note: int, memory: PartMemory | None) -> NDArray[np.float32]:
            at = note - first
            return engine.log_probabilities(read[at], memory, pitches[at], time)

        notes = range(first, first + len(pitches))
        self._belief.press(notes, pitches, time, score)
        likely = self._belief.posterior(len(pitches))
        with np.errstate(divide="ignore"):
            spoken = np.maximum(np.log(likely), _IMPOSSIBLE)
        self._spoken.press(notes, pitches, time, lambda note, _: spoken[note - first][None])
        for note, pitch in zip(notes, pitches, strict=True):
            self._down[pitch].append(note)
        self._count += len(pitches)
        parts = self._spoken.latest(len(pitches))
        return [
            Decision(note, part, float(row[part]))
            for note, part, row in zip(notes, parts, likely, strict=True)
        ]


class LiveArranger:
    """Arranges a whole piece by playing it, key by key, to a Session.

    ``stage``: not as written but as a player would, see ``performance.as_played``.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        stage: bool = False,
        seed: int = 0,
        width: int = BELIEF_WIDTH,
    ) -> None:
        self.width = width
        self.card = checkpoint.card
        self.ensemble = checkpoint.ensemble
        self.stage = stage
        self.seed = seed
        self._engine = checkpoint.engine()

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, stage: bool = False) -> LiveArranger:
        """The shipped checkpoint of that name, or the one in that folder."""
        return cls(load(name_or_path), stage)

    @property
    def name(self) -> str:
        return self.card.name

    def session(self, hints: Hints | None = None, metrical: bool = True) -> Session:
        """A new session with a player."""
        return Session(self._engine, self.ensemble, hints, metrical, self.width)

    def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
        """Give every note of ``notes`` a part, in the order of its keys; locks are not heeded."""
        gridded, order = notes.on_grid()
        if self.stage:
            events = as_played(gridded, np.random.default_rng(self.seed))
        else:
            events = as_written(gridded)
        parts, confidence = np.empty(len(notes), np.int64), np.empty(len(notes))
        session = self.session(hints, metrical=not self.stage)
        for note, decision in self._play(session, gridded.pitch.tolist(), events):
            parts[note], confidence[note] = decision.part, decision.confidence
        broken = report_violations(gridded, self.ensemble, parts)
        return Arrangement(gridded, self.ensemble, parts, confidence, broken).of(notes, order)

    def _play(
        self, session: Session, pitch: list[int], events: Iterable[KeyEvent]
    ) -> Iterable[tuple[int, Decision]]:
        """Play ``events``; each note with its decision. A chord model gets chords at once."""
        together = self._engine.config.view == "chord"
        chord: list[KeyEvent] = []

        def strike() -> Iterable[tuple[int, Decision]]:
            decided = session.chord_on([pitch[e.note] for e in chord], chord[0].time)
            pairs = [(e.note, one) for e, one in zip(chord, decided, strict=True)]
            chord.clear()
            return pairs

        for event in events:
            if chord and (not event.is_on or event.time > chord[0].time):
                yield from strike()
            if not event.is_on:
                session.note_off(pitch[event.note], event.time)
            elif together:
                chord.append(event)
            else:
                yield event.note, session.note_on(pitch[event.note], event.time)
        if chord:
            yield from strike()
