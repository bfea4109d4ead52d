"""Notes and chords as words, without rhythm (Conner et al. 2022).

A token is what begins together: ``C4``, or ``C4.E4.G4``. The words are those of a training set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..notes import DEFAULT_VELOCITY, IntArray, Note, NoteSequence, pitch_name
from .tokenizer import Mask, Said, State, Tokenizer
from .vocabulary import Vocabulary

_KEYS = range(21, 109)
_PITCH_OF = {pitch_name(pitch): pitch for pitch in _KEYS}


class ChordTokens(Tokenizer[State]):
    """Keeps the pitches of what begins together, in order, each half a quarter after the other.

    ``words`` are the chords it knows besides the 88 single notes. Of a chord that it does not
    know, the highest note is kept.
    """

    name = "chord"
    resolution = 2
    pitches = _KEYS

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words = (*_PITCH_OF, *(word for word in words if word not in _PITCH_OF))
        self.vocabulary = Vocabulary((("chord", len(self.words)),))
        self._sounds = [_pitches(word) for word in self.words]
        self._ids = {sound: i for i, sound in enumerate(self._sounds)}
        self.opening = (self._ids[60,],)

    @staticmethod
    def learn(pieces: Iterable[NoteSequence], at_least: int = 1) -> list[str]:
        """The chords that occur ``at_least`` so often, in order of their pitches."""
        count = Counter(chord for notes in pieces for chord in _together(notes) if len(chord) > 1)
        known = sorted(chord for chord, times in count.items() if times >= at_least)
        return [".".join(pitch_name(pitch) for pitch in chord) for chord in known]

    def fit(self, notes: NoteSequence) -> NoteSequence:
        return self.decode(self.encode(notes))

    def encode(self, notes: NoteSequence, until: int = 0, style: str | None = None) -> IntArray:
        self.without_style(style)
        chords = _together(self.on_own_grid(notes))
        ids = [self._ids.get(chord, self._ids[chord[-1:]]) for chord in chords]
        return np.array(ids, dtype=np.int64)

    def start(self) -> State:
        return State()

    def hold(self, state: State, tick: int) -> State:
        """The next chord comes at ``tick``: without rhythm, nothing else is meant by a time."""
        return State(tick, tick)

    def step(self, state: State, token: int) -> tuple[State, tuple[Said, ...]]:
        notes = tuple(Note(state.time, pitch, 1, DEFAULT_VELOCITY) for pitch in self._sounds[token])
        return replace(state, time=state.time + 1), notes

    def legal(self, state: State) -> Mask:
        return np.ones(self.size, bool)


def _together(notes: NoteSequence) -> list[tuple[int, ...]]:
    return [tuple(np.unique(notes.pitch[group]).tolist()) for group in notes.onset_groups()]


def _pitches(word: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({_PITCH_OF[name] for name in word.split(".")}))
    except KeyError as error:
        raise ValueError(f"{word!r} is not a chord such as C4.E4.G4 ({error} is no key)") from error
