"""MidiTok's TSD and Structured tokens: time shift, pitch, velocity, duration; in quarters.

TSD (252 ids): time shifts stand where time passes. Structured (253 ids, Hadjeres & Crestel 2021):
each note is exactly time shift, pitch, velocity, duration. Both are those of
``TokenizerConfig(pitch_range=(21, 108), use_pitchdrum_tokens=False, use_time_signatures=False)``
in MidiTok 3.1, id for id.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..notes import IntArray, Note, NoteSequence
from .tokenizer import Mask, Said, State, Tokenizer
from .values import MIDITOK_TIMES, MIDITOK_VELOCITIES, SPECIAL, nearest, spent
from .vocabulary import Vocabulary


@dataclass(frozen=True)
class DurationState(State):
    """``expects``: shift (or, in TSD, a pitch), pitch, velocity or duration. ``pitch`` and
    ``velocity`` are indices of the last ones said, ``pitch`` -1 where time has passed since."""

    expects: str = "shift"
    pitch: int = -1
    velocity: int = 0


class DurationTokens(Tokenizer[DurationState]):
    """Keeps pitch, onset in 8ths of a quarter, duration in its table and velocity in steps of 4.

    ``structured``: a gap of more than 12 quarters between two notes becomes one of 12, and gaps
    beyond four quarters lie on 4ths of a quarter.
    """

    resolution = 8
    pitches = range(21, 109)

    def __init__(self, structured: bool) -> None:
        self.name = "structured" if structured else "tsd"
        self.structured = structured
        self._shifts = (0, *MIDITOK_TIMES) if structured else MIDITOK_TIMES
        groups = (("special", len(SPECIAL)), ("pitch", 88), ("velocity", 32), ("duration", 64))
        self.vocabulary = Vocabulary((*groups, ("shift", len(self._shifts))))
        self.opening = (self.vocabulary.id("special", SPECIAL.index("BOS")),)
        self.end = self.vocabulary.id("special", SPECIAL.index("EOS"))

    def fit(self, notes: NoteSequence) -> NoteSequence:
        grid = self.on_own_grid(notes)
        onset = grid.onset
        if self.structured:
            gaps = np.diff(onset, prepend=0)
            onset = np.cumsum(np.array(self._shifts)[nearest(self._shifts, gaps)])
        duration = np.array(MIDITOK_TIMES)[nearest(MIDITOK_TIMES, grid.duration)]
        velocity = np.array(MIDITOK_VELOCITIES)[nearest(MIDITOK_VELOCITIES, grid.velocity)]
        rows = np.stack([onset, grid.pitch, duration, velocity], axis=1).tolist()
        return NoteSequence.from_rows(rows, grid.resolution, grid.meters, grid.tempos)[0]

    def encode(self, notes: NoteSequence, until: int = 0, style: str | None = None) -> IntArray:
        self.without_style(style)
        fitted, code = self.fit(notes), self.vocabulary.id
        duration = nearest(MIDITOK_TIMES, fitted.duration).tolist()
        velocity = nearest(MIDITOK_VELOCITIES, fitted.velocity).tolist()
        ids: list[int] = []
        now = 0
        for i, (onset, pitch) in enumerate(
            zip(fitted.onset.tolist(), fitted.pitch.tolist(), strict=True)
        ):
            ids += self._pass(onset - now)
            now = onset
            ids += (code("pitch", pitch - self.pitches[0]), code("velocity", velocity[i]))
            ids.append(code("duration", duration[i]))
        if not self.structured:
            ids += self._pass(until - now)
        return np.array(ids, dtype=np.int64)

    def _pass(self, ticks: int) -> list[int]:
        indices = [self._shifts.index(ticks)] if self.structured else spent(ticks, self._shifts)
        return [self.vocabulary.id("shift", i) for i in indices]

    def start(self) -> DurationState:
        return DurationState()

    def step(self, state: DurationState, token: int) -> tuple[DurationState, tuple[Said, ...]]:
        kind, index = self.vocabulary.kind(token)
        if kind == "shift":
            ticks = self._shifts[index]
            pitch = -1 if ticks else state.pitch
            expects = "pitch" if self.structured else "shift"
            return replace(state, time=state.time + ticks, pitch=pitch, expects=expects), ()
        if kind == "pitch":
            return replace(state, pitch=index, expects="velocity"), ()
        if kind == "velocity":
            return replace(state, velocity=index, expects="duration"), ()
        if kind == "duration":
            pitch, loud = self.pitches[state.pitch], MIDITOK_VELOCITIES[state.velocity]
            note = Note(state.time, pitch, MIDITOK_TIMES[index], loud)
            return replace(state, expects="shift"), (note,)
        return state, ()

    def legal(self, state: DurationState) -> Mask:
        mask, v = np.zeros(self.size, bool), self.vocabulary
        if state.expects in {"velocity", "duration"}:
            mask[v.slice(state.expects)] = True
            return mask
        may_sound = state.time >= state.earliest
        if state.expects == "pitch" or (may_sound and not self.structured):
            mask[v.slice("pitch", max(0, state.pitch))] = True
        if state.expects == "shift":
            wait = min(state.earliest - state.time, self._shifts[-1]) if self.structured else 0
            first = next(i for i, ticks in enumerate(self._shifts) if ticks >= wait)
            mask[v.slice("shift", first)] = True
            mask[self.end] = True
        return mask
