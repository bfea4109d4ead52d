"""Arrange as somebody plays: every note gets its part at the moment its key goes down.

A Session hears keys go down and up and nothing else, so it cannot know what comes later. Knows
checkpoints, features and the decoder; not files, sockets or clocks.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrangement import Arrangement
from .casting import Casting
from .checkpoints import Checkpoint, load
from .decoding import Beam, Rules, report_violations
from .engine import Engine
from .ensembles import Ensemble
from .features import Listener, PartMemory, rows, transpose
from .features.listening import CHORD_WINDOW, Heard
from .hints import Hints
from .notes import NoteSequence
from .performance import as_played, as_written, gestures

Floats = NDArray[np.float32]
BELIEF_WIDTH = 32
_IMPOSSIBLE = -50.0
"""Log probability of what no alternative of a belief holds."""


class Decision(NamedTuple):
    """The part that note ``note``, counted from 0 as heard, was given, and how sure it is."""

    note: int
    part: int
    confidence: float


class Session:
    """One player.

    ``metrical``: times are quarters from a bar line, as from a sequencer. Otherwise only the time
    between events matters, at a tempo that need only be about right, and a key may be let go a
    little after the next is struck.

    What is believed of the past may change as more is heard: a beam of ``width`` alternatives.
    What has been said of a note does not. With a width of one both are the same, and fastest; it
    is the default for single notes as written, where more alternatives gain nothing. The model
    hears the music in each of ``transpositions`` (semitones), and the scores are averaged. With a
    ``casting``, ``ensemble`` is another one than the model was trained for.
    """

    def __init__(
        self,
        engine: Engine,
        ensemble: Ensemble,
        hints: Hints | None = None,
        metrical: bool = True,
        width: int | None = None,
        transpositions: Sequence[int] = (0,),
        casting: Casting | None = None,
    ) -> None:
        if not engine.config.causal:
            raise ValueError("a live session needs a live or chord-live model, not an offline one")
        if width is None:
            width = 1 if metrical and engine.config.view == "note" else BELIEF_WIDTH
        self._engine = engine
        self._spec = engine.config.spec
        self._casting = casting
        self._hints = hints or Hints()
        if casting is not None:
            self._hints = casting.hints(self._hints)
        self._metrical = metrical
        self._listener = Listener()
        self._transpositions = tuple(transpositions)
        self._states = [engine.initial_state() for _ in self._transpositions]
        rules = Rules(ensemble)
        roles = None if casting is None else casting.role
        legato = None if metrical else CHORD_WINDOW
        self._belief = Beam(rules, width, engine.memory(), legato, roles)
        self._spoken: Beam | None = None
        if width > 1:
            self._spoken = Beam(rules, 1, legato=None if metrical else 0.0)
        self._count = 0
        self._down: defaultdict[int, deque[int]] = defaultdict(deque)

    def note_on(
        self, pitch: int, time: float, velocity: int = 0, lock: int | None = None
    ) -> Decision:
        """The key ``pitch`` goes down at ``time`` quarters, not before any earlier event.

        ``velocity`` is 0 where it is not known; ``lock`` is the note's part, where the player has
        fixed it.
        """
        locks = {} if lock is None else {0: lock}
        return self.chord_on([pitch], time, [velocity], locks)[0]

    def chord_on(
        self,
        pitches: Sequence[int],
        time: float,
        velocities: Sequence[int] | None = None,
        locks: Mapping[int, int] | None = None,
    ) -> list[Decision]:
        """Keys, in any order, go down together; the decisions are in the order of the keys.

        ``velocities`` are those of the keys, if known; ``locks`` maps a place in ``pitches`` to
        its part.
        """
        for pitch in pitches:
            if not 0 <= pitch <= 127:
                raise ValueError(f"pitch must be in 0..127, not {pitch}")
        order = sorted(range(len(pitches)), key=pitches.__getitem__)
        keys = [pitches[place] for place in order]
        force = [0] * len(order)
        if velocities:
            force = self._spec.touch(np.array(velocities)[order]).tolist()
        fixed = {n: locks[place] for n, place in enumerate(order) if locks and place in locks}
        if self._spec.view == "chord":
            heard = self._listener.hear_chord(keys, time)
            decided = self._decide(keys, force, time, heard, fixed)
        else:
            decided = []
            for n, pitch in enumerate(keys):
                heard = [self._listener.hear_note(pitch, time)]
                lock = {0: fixed[n]} if n in fixed else {}
                decided += self._decide([pitch], [force[n]], time, heard, lock)
        return [decided[n] for n in sorted(range(len(order)), key=order.__getitem__)]

    def note_off(self, pitch: int, time: float) -> int | None:
        """The key ``pitch`` goes up: the note that ends, the first struck of those held by this
        key; None if none was."""
        self._listener.key_up(pitch, time)
        if not self._down[pitch]:
            return None
        note = self._down[pitch].popleft()
        self._belief.release(note, time)
        if self._spoken is not None:
            self._spoken.release(note, time)
        return note

    def _decide(
        self,
        pitches: list[int],
        velocities: list[int],
        time: float,
        heard: list[Heard],
        fixed: Mapping[int, int],
    ) -> list[Decision]:
        engine, casting, first = self._engine, self._casting, self._count
        codes, values = rows(
            self._spec,
            self._hints,
            np.array(pitches),
            np.array(velocities),
            np.full(len(pitches), time),
            heard,
            self._metrical,
        )
        hearings = [transpose(codes, values, by, self._spec) for by in self._transpositions]
        read = [self._hear([(c[n], v[n]) for c, v in hearings]) for n in range(len(pitches))]

        def score(note: int, memory: PartMemory | None) -> NDArray[np.floating]:
            at = note - first
            pitch, velocity = pitches[at], velocities[at]
            likely = engine.log_probabilities(read[at], memory, pitch, time, velocity)
            return likely if casting is None else casting.cast(likely, pitch)

        notes = range(first, first + len(pitches))
        locks = {first + n: part for n, part in fixed.items()}
        self._belief.press(notes, pitches, time, score, locks, velocities)
        for note, pitch in zip(notes, pitches, strict=True):
            self._down[pitch].append(note)
        self._count += len(pitches)
        said = self._say(pitches, time, locks)
        return [Decision(note, *one) for note, one in zip(notes, said, strict=True)]

    def _hear(self, hearings: Sequence[tuple[NDArray[np.int64], NDArray[np.float32]]]) -> Floats:
        """What the model reads of a note in each of its hearings, (hearings, units)."""
        heard = []
        for h, (code, value) in enumerate(hearings):
            row, self._states[h] = self._engine.step(code, value, self._states[h])
            heard.append(row)
        return np.array(heard)

    def _say(
        self, pitches: list[int], time: float, locks: Mapping[int, int]
    ) -> list[tuple[int, float]]:
        """The parts, and how sure they are, of the notes that were just decided."""
        if self._spoken is None:
            return self._belief.latest(len(pitches))
        likely = self._belief.posterior(len(pitches))
        first = self._count - len(pitches)
        log_likely = np.full_like(likely, _IMPOSSIBLE)
        np.log(likely, out=log_likely, where=likely > 0)
        notes = range(first, self._count)
        self._spoken.press(
            notes, pitches, time, lambda note, _: log_likely[note - first][None], locks
        )
        parts = [part for part, _ in self._spoken.latest(len(pitches))]
        return [(part, min(1.0, float(row[part]))) for part, row in zip(parts, likely, strict=True)]


class LiveArranger:
    """Arranges a whole piece by playing it, key by key, to a Session.

    ``stage``: not as written but as a player would, see ``performance.as_played``.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        stage: bool = False,
        seed: int = 0,
        width: int | None = None,
    ) -> None:
        self.width = width
        self.card = checkpoint.card
        self.ensemble = checkpoint.ensemble
        self.casting = checkpoint.casting
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
        by, casting = self.card.transpositions, self.casting
        return Session(self._engine, self.ensemble, hints, metrical, self.width, by, casting)

    def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
        """Give every note of ``notes`` a part, in the order of its keys."""
        gridded, order = notes.on_grid(self._engine.config.resolution)
        if self.stage:
            events = as_played(gridded, np.random.default_rng(self.seed))
        else:
            events = as_written(gridded)
        parts, confidence = np.empty(len(notes), np.int64), np.empty(len(notes))
        session = self.session(hints, metrical=not self.stage)
        locks = hints.after(order).locks
        pitch, velocity = gridded.pitch.tolist(), gridded.velocity.tolist()
        for time, is_on, keys in gestures(events):
            if not is_on:
                session.note_off(pitch[keys[0]], time)
                continue
            fixed = {place: locks[n] for place, n in enumerate(keys) if n in locks}
            force = [velocity[n] for n in keys]
            decided = session.chord_on([pitch[n] for n in keys], time, force, fixed)
            for note, decision in zip(keys, decided, strict=True):
                parts[note], confidence[note] = decision.part, decision.confidence
        broken = report_violations(gridded, self.ensemble, parts)
        return Arrangement(gridded, self.ensemble, parts, confidence, broken).of(notes, order)
