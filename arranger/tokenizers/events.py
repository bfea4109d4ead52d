"""Events: a key goes down, a key goes up, time passes, the velocity is so much.

Performance RNN's events (Simon & Oore 2017; Oore et al. 2018): 128 note-ons, 128 note-offs, 125
time shifts of 8 ms and 32 velocities, 413 in all; the public code has 100 shifts of 10 ms, 388.
MidiTok's MIDI-Like tokens (276) are the same idea in quarters, on the piano's keys, with a
velocity behind each note-on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..notes import IntArray, Note, NoteSequence
from .tokenizer import Mask, Said, State, Tokenizer
from .values import MIDITOK_TIMES, MIDITOK_VELOCITIES, SPECIAL, nearest, spent
from .vocabulary import Vocabulary

Sounding = tuple[tuple[int, int, int], ...]
"""Pitch, onset and velocity of the keys that are down, in the order in which they went down."""


@dataclass(frozen=True)
class EventState(State):
    """``velocity`` is the index of the last one said, -1 before the first. ``struck`` is the last
    pitch that went down since time last passed, -1 where there is none. ``names`` tells whether
    the key just struck still lacks its velocity."""

    velocity: int = -1
    sounding: Sounding = ()
    struck: int = -1
    names: bool = False


class EventTokens(Tokenizer[EventState]):
    """Keeps pitch, onset, duration and, in steps, velocity. A note ends where its key is struck
    again, and lasts one tick or more.

    ``velocity_first``: a velocity stands before the notes it is valid for, else behind each.
    At one instant keys go up, in the order in which they went down, before others go down, from
    the lowest up.
    """

    def __init__(
        self,
        name: str,
        groups: Sequence[tuple[str, int]],
        shifts: Sequence[int],
        velocities: Sequence[int],
        resolution: int,
        pitches: range,
        velocity_first: bool,
    ) -> None:
        self.name = name
        self.vocabulary = Vocabulary(groups)
        self.resolution = resolution
        self.pitches = pitches
        self.in_seconds = velocity_first
        self._shifts = tuple(shifts)
        self._velocities = np.array(velocities)
        self._velocity_first = velocity_first
        if self.in_seconds:
            self.opening = (self.vocabulary.id("shift", len(self._shifts) - 1),)
        else:
            self.opening = (self.vocabulary.id("special", SPECIAL.index("BOS")),)
            self.end = self.vocabulary.id("special", SPECIAL.index("EOS"))

    def fit(self, notes: NoteSequence) -> NoteSequence:
        grid = self.on_own_grid(notes)
        velocity = self._velocities[nearest(self._velocities, grid.velocity)]
        upcoming: dict[int, int] = {}
        rows = []
        for i in reversed(range(len(grid))):
            onset, pitch = int(grid.onset[i]), int(grid.pitch[i])
            if upcoming.get(pitch) == onset:  # a key goes down once at a time: the longest stays
                continue
            end = max(onset + 1, int(grid.offset[i]))
            rows.append((onset, pitch, min(end, upcoming.get(pitch, end)) - onset, velocity[i]))
            upcoming[pitch] = onset
        return NoteSequence.from_rows(rows, grid.resolution, grid.meters, grid.tempos)[0]

    def encode(self, notes: NoteSequence, until: int = 0, style: str | None = None) -> IntArray:
        self.without_style(style)
        fitted, code = self.fit(notes), self.vocabulary.id
        events = [(tick, 1, i) for i, tick in enumerate(fitted.onset.tolist())]
        events += [(tick, 0, i) for i, tick in enumerate(fitted.offset.tolist())]
        velocity = nearest(self._velocities, fitted.velocity).tolist()
        ids: list[int] = []
        now, loud = 0, -1
        for tick, is_on, i in sorted(events):
            ids += self._pass(tick - now)
            now = tick
            key = int(fitted.pitch[i]) - self.pitches[0]
            if not is_on:
                ids.append(code("off", key))
            elif not self._velocity_first:
                ids += (code("on", key), code("velocity", velocity[i]))
            else:
                if velocity[i] != loud:
                    loud = velocity[i]
                    ids.append(code("velocity", loud))
                ids.append(code("on", key))
        ids += self._pass(until - now)
        return np.array(ids, dtype=np.int64)

    def _pass(self, ticks: int) -> list[int]:
        return [self.vocabulary.id("shift", i) for i in spent(ticks, self._shifts)]

    def start(self) -> EventState:
        return EventState()

    def step(self, state: EventState, token: int) -> tuple[EventState, tuple[Said, ...]]:
        kind, index = self.vocabulary.kind(token)
        if kind == "shift":
            return replace(state, time=state.time + self._shifts[index], struck=-1), ()
        if kind == "velocity":
            if not state.names:
                return replace(state, velocity=index), ()
            pitch, onset, _ = state.sounding[-1]
            named = (pitch, onset, int(self._velocities[index]))
            return replace(state, sounding=(*state.sounding[:-1], named), names=False), ()
        if kind == "on":
            pitch, loud = self.pitches[index], int(self._velocities[state.velocity])
            sounding = (*state.sounding, (pitch, state.time, loud))
            names = not self._velocity_first
            return replace(state, sounding=sounding, struck=index, names=names), ()
        if kind == "off":
            pitch = self.pitches[index]
            left = tuple(key for key in state.sounding if key[0] != pitch)
            ended = (key for key in state.sounding if key[0] == pitch)
            notes = tuple(Note(onset, pitch, state.time - onset, v) for _, onset, v in ended)
            return replace(state, sounding=left), notes
        return state, self.finish(state)

    def finish(self, state: EventState) -> tuple[Said, ...]:
        return tuple(
            Note(onset, pitch, max(1, state.time - onset), velocity)
            for pitch, onset, velocity in state.sounding
        )

    def legal(self, state: EventState) -> Mask:
        mask, v, low = np.zeros(self.size, bool), self.vocabulary, self.pitches[0]
        if state.names:
            mask[v.slice("velocity")] = True
            return mask
        mask[v.slice("shift")] = True
        mask[v.slice("velocity")] = self._velocity_first
        if state.time >= state.earliest and (state.velocity >= 0 or not self._velocity_first):
            mask[v.slice("on", state.struck + 1)] = True
        for pitch, onset, _ in state.sounding:
            mask[v.id("on", pitch - low)] = False
            mask[v.id("off", pitch - low)] = state.struck < 0 and onset < state.time
        if self.end is not None:
            mask[self.end] = True
        return mask


def performance(shifts: int = 125) -> EventTokens:
    """Performance RNN's events: a second in ``shifts`` time shifts, 125 or 100."""
    groups = (("on", 128), ("off", 128), ("shift", shifts), ("velocity", 32))
    velocities = range(2, 128, 4)
    name = "performance" if shifts == 125 else "performance-388"
    ticks = range(1, shifts + 1)
    return EventTokens(name, groups, ticks, velocities, shifts, range(128), velocity_first=True)


def midi_like() -> EventTokens:
    """MidiTok's MIDI-Like tokens, id for id."""
    groups = (("special", len(SPECIAL)), ("on", 88), ("off", 88), ("velocity", 32), ("shift", 64))
    keys, velocities = range(21, 109), MIDITOK_VELOCITIES
    return EventTokens(
        "midi-like", groups, MIDITOK_TIMES, velocities, 8, keys, velocity_first=False
    )
