"""What every tokenizer promises: notes to token ids and back, under a grammar.

A grammar is a machine whose state is a value. ``step`` takes a token and gives the next state and
what has thereby been said; ``legal`` gives the tokens that may come next. Decoding a sequence and
sampling one are the same walk, and neither ever reads a prefix twice. Knows notes and ids; not
models, files or chance.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..clock import Clock
from ..notes import IntArray, Meter, Note, NoteSequence, Tempo
from .bearings import UNSAID, Bearings
from .vocabulary import Vocabulary

Said = Note | Tempo | Meter
"""What a token can complete; in the ticks of the tokenizer."""

Mask = NDArray[np.bool_]

LONGEST_NOTE, LONGEST_PIECE = 256, 20_000
"""Quarters. What lasts longer is taken for damage, not for music."""


@dataclass(frozen=True)
class State:
    """``time``: the tick that has been reached; nothing said later begins before it.
    ``earliest``: the tick before which no note may begin."""

    time: int = 0
    earliest: int = 0


S = TypeVar("S", bound=State)


class Tokenizer(ABC, Generic[S]):
    """``resolution``: the ticks of its grid, a quarter or, where ``in_seconds``, a second.
    ``pitches``: the pitches that have a token.

    What is kept of a piece is ``fit``: ``decode(encode(notes))`` has the notes of ``fit(notes)``.
    """

    name: str
    vocabulary: Vocabulary
    resolution: int
    pitches: range
    in_seconds: bool = False
    styles: tuple[str, ...] = ()
    """The names that a piece may bear, where there is a list of them."""
    end: int | None = None
    """The token that ends a piece, if there is one."""
    opening: tuple[int, ...] = ()
    """What a model reads before the first token of a piece; no part of the piece."""
    bearings: Bearings | None = None
    """How ids tell where they stand in the music, for tokens whose ids do."""

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return self.vocabulary.size

    @abstractmethod
    def fit(self, notes: NoteSequence) -> NoteSequence:
        """The part of ``notes`` that its tokens can say, on its grid."""

    @abstractmethod
    def encode(self, notes: NoteSequence, until: int = 0, style: str | None = None) -> IntArray:
        """The tokens of a piece, (T,), and of the silence behind it up to tick ``until`` of the
        tokenizer's grid, where silence can be said.

        ``style`` is a name that a piece of this kind may bear. ValueError names a note that no
        token can say, or an unknown style.
        """

    @abstractmethod
    def start(self) -> S:
        """The state before the first token."""

    @abstractmethod
    def step(self, state: S, token: int) -> tuple[S, tuple[Said, ...]]:
        """The state after ``token``, which must be legal, and what it completes."""

    @abstractmethod
    def legal(self, state: S) -> Mask:
        """Which tokens may come next, (size,); at least one may."""

    def finish(self, state: S) -> tuple[Said, ...]:
        """What still sounds when the sequence stops."""
        return ()

    def hold(self, state: S, tick: int) -> S:
        """The same state, in which no note may begin before ``tick``."""
        return replace(state, earliest=tick)

    def decode(self, ids: Iterable[int]) -> NoteSequence:
        """The notes that ``ids`` say; ValueError names the first token that is not legal."""
        state, said = self.start(), list[Said]()
        for i, token in enumerate(map(int, ids)):
            name, index = self.vocabulary.kind(token)
            if not self.legal(state)[token]:
                raise ValueError(f"token {i} ({name} {index}) may not follow what precedes it")
            state, more = self.step(state, token)
            said += more
        return self.gather([*said, *self.finish(state)])

    def gather(self, said: Sequence[Said]) -> NoteSequence:
        """What has been said as one sequence on the tokenizer's grid."""
        tempos = [t for t in said if isinstance(t, Tempo)]
        if self.in_seconds:
            tempos = [Tempo(0, 60.0)]
        meters = [m for m in said if isinstance(m, Meter)]
        rows = [n for n in said if isinstance(n, Note)]
        return NoteSequence.from_rows(rows, self.resolution, meters, tempos)[0]

    def moved(self, semitones: int) -> IntArray:
        """What each token becomes in a piece so many semitones higher, (size,); -1: there is no
        such token. ValueError for tokens that do not tell their pitch."""
        if self.bearings is None:
            raise ValueError(f"{self.name} tokens do not tell their pitch")
        moved, pitches = np.arange(self.size), self.bearings.pitches
        for group in self.vocabulary.ranges.values():
            token_of = {int(pitches[token]): token for token in group if pitches[token] != UNSAID}
            for pitch, token in token_of.items():
                moved[token] = token_of.get(pitch + semitones, -1)
        return moved

    def refusals(self, notes: NoteSequence) -> dict[int, str]:
        """The notes that no token can say, each with a sentence that says why."""
        low, high = self.pitches[0], self.pitches[-1]
        beyond = (notes.pitch < low) | (notes.pitch > high)
        endless = notes.duration > LONGEST_NOTE * notes.resolution
        late = notes.onset > LONGEST_PIECE * notes.resolution
        found = {}
        for i in np.flatnonzero(beyond | endless | late).tolist():
            quarter = notes.onset[i] / notes.resolution
            what = f"the note of pitch {notes.pitch[i]} at quarter {quarter:g}"
            if beyond[i]:
                found[i] = f"{what} lies outside {low}..{high}, the pitches of {self.name} tokens"
            elif endless[i]:
                found[i] = f"{what} lasts longer than {LONGEST_NOTE} quarters"
            else:
                found[i] = f"{what} lies more than {LONGEST_PIECE:,} quarters into the piece"
        return found

    def without_style(self, style: str | None) -> None:
        """ValueError if there is a style, for tokens that have none."""
        if style is not None:
            raise ValueError(f"{self.name} tokens have no styles, but {style!r} was asked for")

    def on_own_grid(self, notes: NoteSequence) -> NoteSequence:
        """``notes`` in ticks of this tokenizer; ValueError names a note that no token can say."""
        for sentence in self.refusals(notes).values():
            raise ValueError(sentence)
        if not self.in_seconds:
            return notes.on_grid(self.resolution)[0]
        clock = Clock(notes.tempos, notes.resolution)
        onset = np.rint(clock.seconds(notes.onset) * self.resolution)
        offset = np.rint(clock.seconds(notes.offset) * self.resolution)
        columns = (onset, notes.pitch, offset - onset, notes.velocity)
        rows: Any = np.stack(columns, axis=1).astype(np.int64)
        return NoteSequence.from_rows(rows, self.resolution, (), (Tempo(0, 60.0),))[0]
