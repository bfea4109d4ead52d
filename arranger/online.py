"""Arrange as somebody plays: every note gets its part at the moment its key goes down.

A Session hears keys go down and up and nothing else, so it cannot know what comes later. Knows
checkpoints, features and the decoder; not files, sockets or clocks.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrangement import Arrangement
from .casting import Casting
from .certainty import Certainty, kind_of_answer, spread
from .checkpoints import Checkpoint, load
from .decoding import Beam, Rules, Scorer, report_violations
from .engine import Engine
from .ensembles import Ensemble
from .features import Listener, PartMemory, rows, transpose
from .features.listening import CHORD_WINDOW, Heard
from .hints import Hints
from .notes import NoteSequence
from .performance import as_played, as_written, gestures
from .speaking import Decision, Speaker

Floats = NDArray[np.float32]
BELIEF_WIDTH = 32
QUARTERS_A_SECOND = 2.0
"""The tempo at which a look-ahead is counted where none is known."""

MANNER_OF_VIEW = {"note": "live", "chord": "chord-live"}
"""How a session hears what is played as written."""


class Session:
    """One player.

    ``metrical``: times are quarters from a bar line, as from a sequencer. Otherwise only the time
    between events matters, at a tempo that need only be about right, and a key may be let go a
    little after the next is struck.

    What is believed of the past may change as more is heard: a beam of ``width`` alternatives.
    What has been said of a note does not; it is said at once or, with a ``look_ahead`` in quarters,
    when so much more has been heard. With a width of one what is believed is what is said, and
    fastest; it is the default for single notes as written. The model
    hears the music in each of ``transpositions`` (semitones), and the scores are averaged. With a
    ``casting``, ``ensemble`` is another one than the model was trained for. ``certainty`` says how
    its confidence is to be taken.
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
        look_ahead: float = 0.0,
        certainty: Certainty | None = None,
    ) -> None:
        if not engine.config.causal:
            raise ValueError("a live session needs a live or chord-live model, not an offline one")
        if width is None:
            at_once = metrical and engine.config.view == "note" and look_ahead == 0
            width = 1 if at_once else BELIEF_WIDTH
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
        self._speaker: Speaker | None = None
        if width > 1 or look_ahead > 0:
            self._speaker = Speaker(rules, look_ahead, None if metrical else 0.0)
        manner = MANNER_OF_VIEW[engine.config.view] if metrical else "stage"
        kind = kind_of_answer(manner, look_ahead > 0, self._hints.kind)
        self._curve = (certainty or Certainty({})).curve(kind)
        self._ready: list[Decision] = []
        self._count = 0
        self._fixed: dict[int, int] = {}
        self._down: defaultdict[int, deque[int]] = defaultdict(deque)

    def note_on(
        self, pitch: int, time: float, velocity: int = 0, lock: int | None = None
    ) -> list[Decision]:
        """The key ``pitch`` goes down at ``time`` quarters, not before any earlier event.

        ``velocity`` is 0 where it is not known; ``lock`` is the note's part, where the player has
        fixed it. Returns what is decided by now: this note or, with a look-ahead, earlier ones.
        """
        locks = {} if lock is None else {0: lock}
        return self.chord_on([pitch], time, [velocity], locks)

    def chord_on(
        self,
        pitches: Sequence[int],
        time: float,
        velocities: Sequence[int] | None = None,
        locks: Mapping[int, int] | None = None,
    ) -> list[Decision]:
        """Keys, in any order, go down together; as ``note_on``.

        ``velocities`` are those of the keys, if known; ``locks`` maps a place in ``pitches`` to
        its part. Notes are counted in the order of the keys, and so are decisions.
        """
        for pitch in pitches:
            if not 0 <= pitch <= 127:
                raise ValueError(f"pitch must be in 0..127, not {pitch}")
        if not pitches:
            return []
        self._settle(time)
        first = self._count
        self._count += len(pitches)
        touch = [0] * len(pitches)
        if velocities:
            touch = self._spec.touch(np.array(velocities)).tolist()
        order = sorted(range(len(pitches)), key=pitches.__getitem__)
        fixed = {first + place: part for place, part in (locks or {}).items()}
        keys = [_Key(first + place, pitches[place], touch[place]) for place in order]
        self._fixed |= fixed
        for chord in [keys] if self._spec.view == "chord" else [[key] for key in keys]:
            self._hear_keys(chord, time, fixed)
        return self._take()

    def note_off(self, pitch: int, time: float) -> int | None:
        """The key ``pitch`` goes up: the note that ends, the first struck of those held by this
        key; None if none was."""
        self._settle(time)
        self._listener.key_up(pitch, time)
        if not self._down[pitch]:
            return None
        note = self._down[pitch].popleft()
        self._belief.release(note, time)
        if self._speaker is not None:
            self._speaker.end(note)
        return note

    def advance(self, time: float) -> list[Decision]:
        """Nothing more happens before ``time``: what is decided by then."""
        self._settle(time)
        return self._take()

    def _settle(self, time: float) -> None:
        """Say what can wait no longer for what happens at ``time``."""
        if self._speaker is not None:
            self._ready += self._speaker.due(self._belief, time)

    def _take(self) -> list[Decision]:
        """What has become ready: sure of what the player has fixed, else as its kind of answer is
        found to be right."""
        ready, self._ready = sorted(self._ready, key=lambda decision: decision.note), []
        return [
            one._replace(
                confidence=1.0
                if self._fixed.pop(one.note, None) == one.part
                else self._curve.of(one.confidence)
            )
            for one in ready
        ]

    def _hear_keys(self, keys: Sequence[_Key], time: float, locks: Mapping[int, int]) -> None:
        """Keys go down together, the lowest first; one alone unless the model hears chords."""
        notes, pitches, touch = (list(column) for column in zip(*keys, strict=True))
        if self._spec.view == "chord":
            heard = self._listener.hear_chord(pitches, time)
        else:
            heard = [self._listener.hear_note(pitches[0], time)]
        self._belief.press(notes, pitches, time, self._scorer(keys, time, heard), locks, touch)
        for note, pitch in zip(notes, pitches, strict=True):
            self._down[pitch].append(note)
        if self._speaker is None:
            for note, (part, row) in zip(notes, self._belief.latest(len(keys)), strict=True):
                self._ready.append(Decision(note, part, math.exp(row[part]), np.exp(row)))
            return
        self._speaker.strike(notes, pitches, time, locks)
        if self._speaker.look_ahead == 0:
            self._ready += self._speaker.due(self._belief)

    def _scorer(self, keys: Sequence[_Key], time: float, heard: Sequence[Heard]) -> Scorer:
        """Of keys that go down together: how likely each part is for each of their notes."""
        engine, casting = self._engine, self._casting
        codes, values = rows(
            self._spec,
            self._hints,
            np.array([key.pitch for key in keys]),
            np.array([key.velocity for key in keys]),
            np.full(len(keys), time),
            heard,
            self._metrical,
        )
        hearings = [transpose(codes, values, by, self._spec) for by in self._transpositions]
        read = {
            key.note: (key, self._read([(c[n], v[n]) for c, v in hearings]))
            for n, key in enumerate(keys)
        }

        def score(note: int, memory: PartMemory | None) -> NDArray[np.floating]:
            key, row = read[note]
            likely = engine.log_probabilities(row, memory, key.pitch, time, key.velocity)
            return likely if casting is None else casting.cast(likely, key.pitch)

        return score

    def _read(self, hearings: Sequence[tuple[NDArray[np.int64], NDArray[np.float32]]]) -> Floats:
        """What the model reads of a note in each of its hearings, (hearings, units)."""
        read = []
        for h, (code, value) in enumerate(hearings):
            row, self._states[h] = self._engine.step(code, value, self._states[h])
            read.append(row)
        return np.array(read)


class _Key(NamedTuple):
    """A key that goes down, and the number of its note."""

    note: int
    pitch: int
    velocity: int


class LiveArranger:
    """Arranges a whole piece by playing it, key by key, to a Session.

    ``stage``: not as written but as a player would, see ``performance.as_played``. ``look_ahead``
    (seconds at 120 quarters a minute): for how long an answer may wait; what is believed then
    has several alternatives, whatever is usual for the checkpoint.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        stage: bool = False,
        seed: int = 0,
        width: int | None = None,
        look_ahead: float = 0.0,
    ) -> None:
        self.card = checkpoint.card
        self.width = width or (None if look_ahead else self.card.width)
        self.look_ahead = look_ahead
        self.ensemble = checkpoint.ensemble
        self.casting = checkpoint.casting
        self.stage = stage
        self.seed = seed
        self._engine = checkpoint.engine()
        self._certainty = checkpoint.certainty()

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, stage: bool = False) -> LiveArranger:
        """The shipped checkpoint of that name, or the one in that folder."""
        return cls(load(name_or_path), stage)

    @property
    def name(self) -> str:
        return self.card.name

    def session(self, hints: Hints | None = None, metrical: bool = True) -> Session:
        """A new session with a player."""
        return Session(
            self._engine,
            self.ensemble,
            hints,
            metrical,
            self.width,
            self.card.transpositions,
            self.casting,
            self.look_ahead * QUARTERS_A_SECOND,
            self._certainty,
        )

    def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
        """Give every note of ``notes`` a part, in the order of its keys."""
        gridded, order = notes.on_grid(self._engine.config.resolution)
        if self.stage:
            events = as_played(gridded, np.random.default_rng(self.seed))
        else:
            events = as_written(gridded)
        parts, confidence = np.empty(len(notes), np.int64), np.empty(len(notes))
        likely = np.empty((len(notes), len(self.ensemble)))
        session = self.session(hints, metrical=not self.stage)
        locks = hints.after(order).locks
        pitch, velocity = gridded.pitch.tolist(), gridded.velocity.tolist()
        struck: list[int] = []  # the note of the piece that each note of the session is

        def note_down(decisions: Sequence[Decision]) -> None:
            for note, part, sure, row in decisions:
                n = struck[note]
                parts[n], confidence[n], likely[n] = part, sure, row

        for time, is_on, keys in gestures(events):
            if not is_on:
                session.note_off(pitch[keys[0]], time)
                continue
            struck += keys
            fixed = {place: locks[n] for place, n in enumerate(keys) if n in locks}
            force = [velocity[n] for n in keys]
            note_down(session.chord_on([pitch[n] for n in keys], time, force, fixed))
        note_down(session.advance(math.inf))
        broken = report_violations(gridded, self.ensemble, parts)
        likely = spread(likely, parts, confidence)
        found = Arrangement(gridded, self.ensemble, parts, confidence, broken, likely)
        return found.of(notes, order)
