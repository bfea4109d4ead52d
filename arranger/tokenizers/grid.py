"""Chorale tokens: four voices on a grid of 16ths, one token a voice and 16th.

The serialisation of Music Transformer (Huang et al. 2018) for Bach's chorales: soprano, alto,
tenor, bass of the first 16th, then of the second, and so on. A token says the pitch that a voice
sounds, or that it rests; nothing tells a held note from one struck again, as in the JSB set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..notes import DEFAULT_VELOCITY, IntArray, Note, NoteSequence
from .bearings import Bearings
from .tokenizer import Mask, Said, State, Tokenizer
from .vocabulary import Vocabulary

VOICES = {
    "soprano": range(60, 82),
    "alto": range(52, 75),
    "tenor": range(46, 70),
    "bass": range(36, 67),
}
"""The voices, from the highest down, and their ranges in the training pieces of the JSB set."""

REST = -1

_BAR = 16
"""16ths of a bar of four quarters, in which most chorales are."""


@dataclass(frozen=True)
class GridState(State):
    """``sung`` are the pitches of the current 16th so far, ``REST`` for a rest; ``sounding`` pitch
    and onset of what has been sounding up to it."""

    sung: tuple[int, ...] = ()
    sounding: tuple[tuple[int, int], ...] = ()


class GridTokens(Tokenizer[GridState]):
    """Keeps which pitches sound at each 16th, up to four of them: the highest three and the lowest.
    A pitch that goes on to sound is one note; notes shorter than a 16th are dropped.

    ``encode`` gives the voices their pitches from the highest down, ``encode_voices`` as they are.
    """

    name = "grid"
    resolution = 4
    pitches = range(36, 82)

    def __init__(self) -> None:
        each = len(self.pitches) + 1  # the first of each voice is its rest
        self.vocabulary = Vocabulary((("end", 1), *((voice, each) for voice in VOICES)))
        self.end = self.vocabulary.id("end")
        self.opening = (self.end,)
        self.bearings = _bearings(self.vocabulary)

    def fit(self, notes: NoteSequence) -> NoteSequence:
        return replace(self.decode(self.encode(notes)), meters=self.on_own_grid(notes).meters)

    def encode(self, notes: NoteSequence, until: int = 0, style: str | None = None) -> IntArray:
        self.without_style(style)
        grid = self.on_own_grid(notes)
        sixteenths: list[list[int]] = [[] for _ in range(max(until, *grid.offset.tolist(), 0))]
        for onset, offset, pitch in zip(
            grid.onset.tolist(), grid.offset.tolist(), grid.pitch.tolist(), strict=True
        ):
            for tick in range(onset, offset):
                sixteenths[tick].append(pitch)
        return self.encode_voices(_voices(sounding) for sounding in sixteenths)

    def encode_voices(self, sixteenths: Iterable[Sequence[int]]) -> IntArray:
        """The tokens of what the four voices sing at each 16th, a pitch or ``REST``; ValueError
        for a pitch that has no token."""
        ids = []
        for sung in sixteenths:
            for voice, pitch in zip(VOICES, sung, strict=True):
                if pitch != REST and pitch not in self.pitches:
                    low, high = self.pitches[0], self.pitches[-1]
                    raise ValueError(f"the {voice}'s pitch {pitch} lies outside {low}..{high}")
                ids.append(self.vocabulary.id(voice, self._index(pitch)))
        return np.array(ids, dtype=np.int64)

    def start(self) -> GridState:
        return GridState()

    def step(self, state: GridState, token: int) -> tuple[GridState, tuple[Said, ...]]:
        kind, index = self.vocabulary.kind(token)
        if kind == "end":
            return state, ()
        sung = (*state.sung, self.pitches[index - 1] if index else REST)
        if len(sung) < len(VOICES):
            return replace(state, sung=sung), ()
        new, sounding, ended = Counter(sung), list[tuple[int, int]](), list[Note]()
        del new[REST]
        for pitch, onset in state.sounding:
            if new[pitch]:
                new[pitch] -= 1
                sounding.append((pitch, onset))
            else:
                ended.append(Note(onset, pitch, state.time - onset, DEFAULT_VELOCITY))
        sounding += ((pitch, state.time) for pitch in new.elements())
        after = replace(state, time=state.time + 1, sung=(), sounding=tuple(sounding))
        return after, tuple(ended)

    def finish(self, state: GridState) -> tuple[Said, ...]:
        return tuple(
            Note(onset, pitch, state.time - onset, DEFAULT_VELOCITY)
            for pitch, onset in state.sounding
        )

    def legal(self, state: GridState) -> Mask:
        mask, voice = np.zeros(self.size, bool), [*VOICES][len(state.sung)]
        mask[self.end] = not state.sung
        if state.time >= state.earliest:
            mask[self.vocabulary.slice(voice)] = True
            return mask
        held = Counter(pitch for pitch, _ in state.sounding) - Counter(state.sung)
        for pitch in (REST, *held):
            mask[self.vocabulary.id(voice, self._index(pitch))] = True
        return mask

    def _index(self, pitch: int) -> int:
        return 0 if pitch == REST else pitch - self.pitches[0] + 1


def _bearings(vocabulary: Vocabulary) -> Bearings:
    """The first voice begins a 16th."""
    bearings = Bearings.silent(vocabulary.size, GridTokens.resolution, _BAR)
    first = vocabulary.slice(next(iter(VOICES)))
    bearings.bars[first], bearings.lengths[first] = True, 1
    for voice in VOICES:
        bearings.rests[vocabulary.id(voice)] = True
        bearings.pitches[vocabulary.slice(voice, 1)] = GridTokens.pitches
    return bearings


def _voices(sounding: list[int]) -> list[int]:
    """Pitches as the four voices sing them, rests below."""
    ordered = sorted(sounding, reverse=True)
    if len(ordered) > len(VOICES):
        ordered = [*ordered[: len(VOICES) - 1], ordered[-1]]
    return ordered + [REST] * (len(VOICES) - len(ordered))
