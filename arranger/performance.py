"""A piece as key events in time: as written, or as somebody on a stage would play it.

Knows notes and time. Does not know parts, features or models. Time is in quarter notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from .notes import NoteSequence


class KeyEvent(NamedTuple):
    """A key goes down (``is_on``) or up. ``note`` is the note's index in the sequence."""

    time: float
    is_on: bool
    note: int


class Gesture(NamedTuple):
    """One key goes up, or all the keys go down that go down together."""

    time: float
    is_on: bool
    notes: list[int]


def gestures(events: Iterable[KeyEvent]) -> Iterator[Gesture]:
    """Join the keys that go down at one instant."""
    struck: list[int] = []
    now = 0.0
    for event in events:
        if struck and (not event.is_on or event.time > now):
            yield Gesture(now, True, struck)
            struck = []
        now = event.time
        if event.is_on:
            struck.append(event.note)
        else:
            yield Gesture(now, False, [event.note])
    if struck:
        yield Gesture(now, True, struck)


def as_written(notes: NoteSequence) -> list[KeyEvent]:
    """The exact events. At one instant keys go up before others go down, low ones first, and
    notes without length have ended before those that last begin.
    """
    onset = notes.onset / notes.resolution
    offset = notes.offset / notes.resolution
    return _in_order(onset, offset)


def as_played(
    notes: NoteSequence,
    rng: np.random.Generator,
    tempo: float = 120.0,
    spread: float = 0.015,
    tempo_error: float = 0.1,
    release_lag: float = 0.0,
) -> list[KeyEvent]:
    """The events of a human performance.

    The notes of a chord come in random order, ``spread`` seconds apart at ``tempo`` quarters a
    minute. Keys go up when written, or later by ``release_lag`` times their own delay. The tempo
    is off by a factor that drifts within 1 +- ``tempo_error``. A key that is struck again has
    been released before.
    """
    onset = notes.onset / notes.resolution
    delay = np.zeros(len(notes))
    for group in notes.onset_groups():
        delay[group] = rng.permutation(group.stop - group.start) * (spread * tempo / 60.0)
    last = float(notes.offset.max(initial=0)) / notes.resolution
    knots = np.arange(0.0, last + 8.0, 4.0)
    drift = np.clip(
        rng.uniform(-tempo_error, tempo_error) + np.cumsum(rng.normal(0.0, 0.01, len(knots))),
        -tempo_error,
        tempo_error,
    )
    warped = np.concatenate([[0.0], np.cumsum(4.0 * (1.0 + drift))])[: len(knots)]
    start = np.interp(onset, knots, warped) + delay
    end = np.interp(notes.offset / notes.resolution, knots, warped) + release_lag * delay
    end = np.maximum(end, start)
    _release_before_restrike(notes, start, end)
    return _in_order(start, end)


def _release_before_restrike(notes: NoteSequence, start: np.ndarray, end: np.ndarray) -> None:
    """Shorten notes that would still sound when their own key is struck again."""
    upcoming: dict[int, int] = {}
    for i in reversed(range(len(notes))):
        pitch = int(notes.pitch[i])
        later = upcoming.get(pitch)
        if later is not None and notes.offset[i] <= notes.onset[later]:
            end[i] = max(min(end[i], start[later] - 1e-4), start[i])
        upcoming[pitch] = i


def _in_order(start: np.ndarray, end: np.ndarray) -> list[KeyEvent]:
    """Sort by time; at one instant what ends, then what begins and ends, then what begins."""
    events = []
    for i, (on, off) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        lasts = off > on
        events.append((on, 2 if lasts else 1, i, 0, KeyEvent(on, True, i)))
        events.append((off, 0 if lasts else 1, i, 1, KeyEvent(off, False, i)))
    return [event for *_, event in sorted(events)]
