"""Metrical tokens: bars with their meter, tempo, position, velocity, pitch and duration.

Made for this project, to continue a piece by many bars with its dynamics: after REMI (Huang & Yang
2020), but velocity and tempo are said only where they change, so that a note costs two to three
tokens, and a bar says its meter, so that any piece can be said. A quarter has 12 positions, which
hold both 16ths and triplets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..notes import IntArray, Meter, Note, NoteSequence, Tempo
from .barlines import barlines
from .bearings import Bearings
from .tokenizer import Mask, Said, State, Tokenizer
from .values import nearest, spent
from .vocabulary import Vocabulary

QUARTER, SIXTEENTH = 12, 3
METERS = (
    (1, 16), (1, 8), (3, 16), (1, 4), (5, 16), (3, 8), (7, 16), (2, 4), (5, 8), (3, 4), (6, 8),
    (7, 8), (4, 4), (2, 2), (9, 8), (5, 4), (6, 4), (3, 2), (12, 8), (7, 4), (4, 2),
)  # fmt: skip
_LENGTHS = tuple(4 * QUARTER * n // d for n, d in METERS)
_PIECES = tuple(dict.fromkeys(_LENGTHS))
DURATIONS = (*range(1, 25), *range(27, 49, 3), *range(54, 97, 6), 108, 120, 144, 168, 192)
VELOCITIES = tuple(range(4, 128, 8))
TEMPOS = tuple(round(30 * 2 ** (i / 10)) for i in range(31))
"""Quarters a minute, from 30 to 240, ten to the octave."""


@dataclass(frozen=True)
class MetricalState(State):
    """``after``: the kind of the last token. ``bar`` is the tick of the bar and ``length`` its
    length in ticks; ``position`` and ``pitch`` are the last ones in it, -1 where there is none;
    ``meter``, ``tempo`` and ``velocity`` are indices of what is in force, -1 where nothing is."""

    after: str = "start"
    bar: int = 0
    length: int = 0
    position: int = -1
    pitch: int = -1
    meter: int = -1
    tempo: int = -1
    velocity: int = -1


class MetricalTokens(Tokenizer[MetricalState]):
    """Keeps pitch; onset to a 12th of a quarter; bars and their meters; duration, velocity and the
    tempo of each bar to the nearest step of a table; of notes equal in onset and pitch, the
    longest. ``styles`` are names that a piece may bear.
    """

    name = "metrical"
    resolution = QUARTER
    pitches = range(128)

    def __init__(self, styles: Iterable[str] = ()) -> None:
        self.styles = tuple(styles)
        self.vocabulary = Vocabulary(
            (
                ("end", 1),
                ("style", len(self.styles)),
                ("bar", len(METERS)),
                ("tempo", len(TEMPOS)),
                ("position", max(_LENGTHS)),
                ("velocity", len(VELOCITIES)),
                ("pitch", 128),
                ("duration", len(DURATIONS)),
            )
        )
        self.end = self.vocabulary.id("end")
        self.opening = (self.end,)
        self.bearings = _bearings(self.vocabulary)

    def fit(self, notes: NoteSequence) -> NoteSequence:
        grid = self.on_own_grid(notes)
        duration = np.array(DURATIONS)[nearest(DURATIONS, grid.duration)]
        velocity = np.array(VELOCITIES)[nearest(VELOCITIES, grid.velocity)]
        rows = np.stack([grid.onset, grid.pitch, duration, velocity], axis=1).tolist()
        longest = {(row[0], row[1]): row for row in rows}
        tempos, meters = list[Tempo](), list[Meter]()
        for tick, meter, tempo in _bars(grid, int(grid.onset.max(initial=-1))):
            if not meters or meters[-1][1:] != METERS[meter]:
                meters.append(Meter(tick, *METERS[meter]))
            if tempo >= 0 and (not tempos or tempos[-1].quarters != TEMPOS[tempo]):
                tempos.append(Tempo(tick, TEMPOS[tempo]))
        return NoteSequence.from_rows(longest.values(), grid.resolution, meters, tempos)[0]

    def encode(self, notes: NoteSequence, until: int = 0, style: str | None = None) -> IntArray:
        fitted, code = self.fit(notes), self.vocabulary.id
        duration = nearest(DURATIONS, fitted.duration).tolist()
        velocity = nearest(VELOCITIES, fitted.velocity).tolist()
        groups = [(int(fitted.onset[g.start]), g) for g in fitted.onset_groups()]
        last = max(groups[-1][0] if groups else -1, until - 1)
        bars = list(_bars(fitted, last))
        ends = [*(tick for tick, _, _ in bars), last + 1][1:]
        ids = self._style(style)
        pace, loud, n = -1, -1, 0
        for (tick, meter, tempo), end in zip(bars, ends, strict=True):
            ids.append(code("bar", meter))
            if tempo not in (-1, pace):
                ids.append(code("tempo", tempo))
                pace = tempo
            while n < len(groups) and groups[n][0] < end:
                onset, group = groups[n]
                n += 1
                ids.append(code("position", onset - tick))
                for i in range(group.start, group.stop):
                    if velocity[i] != loud:
                        ids.append(code("velocity", velocity[i]))
                        loud = velocity[i]
                    ids += (code("pitch", int(fitted.pitch[i])), code("duration", duration[i]))
        return np.array(ids, dtype=np.int64)

    def _style(self, style: str | None) -> list[int]:
        if style is None:
            return []
        if style not in self.styles:
            known = ", ".join(self.styles) or "none"
            raise ValueError(f"style {style!r} is unknown; known are {known}")
        return [self.vocabulary.id("style", self.styles.index(style))]

    def start(self) -> MetricalState:
        return MetricalState()

    def step(self, state: MetricalState, token: int) -> tuple[MetricalState, tuple[Said, ...]]:
        kind, index = self.vocabulary.kind(token)
        after = replace(state, after=kind)
        if kind == "bar":
            bar = state.bar + state.length
            after = replace(
                after, time=bar, bar=bar, length=_LENGTHS[index], position=-1, meter=index
            )
            return after, (Meter(bar, *METERS[index]),) if index != state.meter else ()
        if kind == "tempo":
            changed = index != state.tempo
            tempo = Tempo(state.bar, TEMPOS[index])
            return replace(after, tempo=index), (tempo,) if changed else ()
        if kind == "position":
            return replace(after, time=state.bar + index, position=index, pitch=-1), ()
        if kind == "velocity":
            return replace(after, velocity=index), ()
        if kind == "pitch":
            return replace(after, pitch=index), ()
        if kind == "duration":
            loud = VELOCITIES[state.velocity]
            return after, (Note(state.time, state.pitch, DURATIONS[index], loud),)
        return after, ()

    def legal(self, state: MetricalState) -> Mask:
        mask, v = np.zeros(self.size, bool), self.vocabulary
        if state.after == "pitch":
            mask[v.slice("duration")] = True
            return mask
        if state.after in {"start", "style", "bar", "tempo", "duration", "end"}:
            mask[v.slice("style")] = state.after == "start"
            mask[v.slice("bar")] = True
            mask[v.slice("tempo")] = state.after == "bar"
            mask[self.end] = state.after not in {"start", "style"}
            first = max(state.position + 1, state.earliest - state.bar)
            mask[v.slice("position", first, max(first, state.length))] = True
        if state.after in {"position", "velocity", "duration"} and state.time >= state.earliest:
            mask[v.slice("velocity")] = state.after != "velocity" and state.pitch < 127
            mask[v.slice("pitch", state.pitch + 1)] = state.velocity >= 0
        return mask


def _bearings(vocabulary: Vocabulary) -> Bearings:
    """A bar says its length, a position its place."""
    bearings = Bearings.silent(vocabulary.size, QUARTER)
    bar = vocabulary.slice("bar")
    bearings.bars[bar], bearings.places[bar], bearings.lengths[bar] = True, 0, _LENGTHS
    bearings.places[vocabulary.slice("position")] = np.arange(max(_LENGTHS))
    bearings.pitches[vocabulary.slice("pitch")] = np.arange(128)
    return bearings


def _bars(notes: NoteSequence, last: int) -> Iterator[tuple[int, int, int]]:
    """Tick, meter and tempo (indices, the tempo -1 where none is known) of each bar that begins
    up to tick ``last``. Bars begin on 16ths; one that no meter of the table fills becomes several.
    """
    changes, tempos = sorted(notes.meters), sorted(notes.tempos)
    meter, tempo, at = (4, 4), -1, 0
    for tick, length in barlines(notes):
        while changes and changes[0].tick <= tick:
            meter = changes.pop(0)[1:]
        for index in _said(meter, _on_sixteenth(tick + length) - at):
            while tempos and tempos[0].tick <= at:
                quarters = tempos.pop(0).quarters
                tempo = int(np.abs(np.log(np.array(TEMPOS) / quarters)).argmin())
            if at > last:
                return
            yield at, index, tempo
            at += _LENGTHS[index]


def _said(meter: tuple[int, int], length: int) -> list[int]:
    """The meters, as indices, that together are as long as a bar of ``length`` ticks."""
    if meter in METERS and _LENGTHS[METERS.index(meter)] == length:
        return [METERS.index(meter)]
    pieces = spent(length // SIXTEENTH, [ticks // SIXTEENTH for ticks in _PIECES])
    return [_LENGTHS.index(_PIECES[i]) for i in pieces]


def _on_sixteenth(tick: int) -> int:
    return round(tick / SIXTEENTH) * SIXTEENTH
