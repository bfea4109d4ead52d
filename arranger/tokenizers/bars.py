"""Bar tokens: bars, offsets from the bar, pitches and durations; no velocity, no tempo.

The 153-token scheme of "Symbolic Music Generation with Deep Learning Techniques": a bar is
(offset from the bar before, bar), a note is (offset from its bar, pitch, duration); all in order
of time, bars first. The unit is a 16th.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..notes import DEFAULT_VELOCITY, IntArray, Note, NoteSequence
from .barlines import barlines
from .bearings import Bearings
from .tokenizer import Mask, Said, State, Tokenizer
from .vocabulary import Vocabulary

LONGEST = 32
"""Units of a note; a longer one becomes several. A bar is shorter by one."""


@dataclass(frozen=True)
class BarState(State):
    """``expects``: offset, symbol (a bar or a pitch) or duration. ``bar`` is the tick of the bar;
    ``offset`` and ``pitch`` are those of the last note in it, -1 where there is none;
    ``upcoming`` is the offset that has just been said."""

    expects: str = "offset"
    bar: int = 0
    offset: int = -1
    pitch: int = -1
    upcoming: int = 0


class BarTokens(Tokenizer[BarState]):
    """Keeps pitch, onset and duration in 16ths. Notes shorter than one are dropped."""

    name = "bar"
    resolution = 4
    pitches = range(21, 109)
    opening = (0,)

    def __init__(self) -> None:
        self.vocabulary = Vocabulary(
            (("bar", 1), ("offset", LONGEST), ("pitch", 88), ("duration", LONGEST))
        )
        self.bearings = _bearings(self.vocabulary)

    def fit(self, notes: NoteSequence) -> NoteSequence:
        grid = self.on_own_grid(notes)
        rows = []
        for onset, pitch, duration in zip(
            grid.onset.tolist(), grid.pitch.tolist(), grid.duration.tolist(), strict=True
        ):
            for begin in range(0, duration, LONGEST):
                length = min(LONGEST, duration - begin)
                rows.append(Note(onset + begin, pitch, length, DEFAULT_VELOCITY))
        return NoteSequence.from_rows(rows, grid.resolution, grid.meters)[0]

    def encode(self, notes: NoteSequence, until: int = 0, style: str | None = None) -> IntArray:
        self.without_style(style)
        fitted, code = self.fit(notes), self.vocabulary.id
        ids: list[int] = []
        lines = ((tick + i) for tick, length in barlines(fitted) for i in _pieces(length))
        bar, upcoming = next(lines), next(lines)

        def reach(tick: int) -> None:
            nonlocal bar, upcoming, ids
            while upcoming <= tick:
                ids += (code("offset", upcoming - bar), code("bar"))
                bar, upcoming = upcoming, next(lines)

        for onset, pitch, duration in zip(
            fitted.onset.tolist(), fitted.pitch.tolist(), fitted.duration.tolist(), strict=True
        ):
            reach(onset)
            ids += (code("offset", onset - bar), code("pitch", pitch - self.pitches[0]))
            ids.append(code("duration", duration - 1))
        reach(until)
        return np.array(ids, dtype=np.int64)

    def start(self) -> BarState:
        return BarState()

    def step(self, state: BarState, token: int) -> tuple[BarState, tuple[Said, ...]]:
        kind, index = self.vocabulary.kind(token)
        if kind == "offset":
            return replace(state, expects="symbol", upcoming=index), ()
        if kind == "bar":
            bar = state.bar + state.upcoming
            return BarState(time=bar, earliest=state.earliest, bar=bar), ()
        if kind == "pitch":
            onset = state.bar + state.upcoming
            after = replace(
                state, time=onset, expects="duration", offset=state.upcoming, pitch=index
            )
            return after, ()
        pitch = self.pitches[state.pitch]
        note = Note(state.bar + state.offset, pitch, index + 1, DEFAULT_VELOCITY)
        return replace(state, expects="offset"), (note,)

    def legal(self, state: BarState) -> Mask:
        mask, v = np.zeros(self.size, bool), self.vocabulary
        if state.expects == "offset":
            # Only a bar can have the last offset, so that one may always come.
            wait = min(state.earliest - state.bar, LONGEST - 1)
            mask[v.slice("offset", max(0, state.offset, wait))] = True
        elif state.expects == "duration":
            mask[v.slice("duration")] = True
        else:
            mask[v.id("bar")] = state.upcoming > max(0, state.offset)
            if state.upcoming < LONGEST - 1:
                together = state.upcoming == state.offset
                mask[v.slice("pitch", state.pitch if together else 0)] = True
        return mask


def _bearings(vocabulary: Vocabulary) -> Bearings:
    """An offset is a place, and the length of the bar if one follows."""
    bearings = Bearings.silent(vocabulary.size, BarTokens.resolution)
    bar, offset = vocabulary.slice("bar"), vocabulary.slice("offset")
    bearings.bars[bar], bearings.places[bar] = True, 0
    bearings.places[offset] = bearings.lengths[offset] = np.arange(LONGEST)
    bearings.pitches[vocabulary.slice("pitch")] = BarTokens.pitches
    return bearings


def _pieces(length: int) -> range:
    """Where the parts of a bar begin that is too long to be said at once."""
    return range(0, length, LONGEST - 1)
