"""Features of a whole piece as arrays, for one of three views.

``note``: each note as a player's ear meets it, one key after the other (live).
``chord``: the notes of an onset together, nothing later (chord-live).
``piece``: everything (offline).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..hints import HINT_WIDTH, Hints
from ..notes import MODEL_RESOLUTION, NoteSequence
from ..performance import KeyEvent, as_written, gestures
from .listening import REACH, SPAN, Heard, Listener

VIEWS = ("note", "chord", "piece")
CODE_SIZES = {"pitch": 128, "velocity": 128, "beat": 4096, "position": 25, "duration": 97}
"""How many values each integer feature can take."""

NO_POSITION = 24
_VALUE_WIDTHS = {
    "frequency": 1,
    "velocity": 2,
    "timing": 4,
    "keys": 3 * SPAN,
    "chord": 4,
    "span": SPAN + 2,
}
_WIDTHS_PER_PART = {"hints": HINT_WIDTH, "locks": 1, "seats": 1}
_VIEW_OF_FEATURE = {
    "chord": ("chord", "piece"),
    "span": ("piece",),
    "duration": ("piece",),
    "locks": ("piece",),
}
_FREQUENCY = (440.0 * 2.0 ** ((np.arange(128) - 69) / 12.0)).astype(np.float32)
_FREQUENCY /= _FREQUENCY[-1]


@dataclass(frozen=True)
class FeatureSpec:
    """Which features a model reads.

    ``codes`` are integers to embed; see CODE_SIZES. ``values`` are blocks of real numbers:
    frequency (as a share of the highest); velocity (as a share of the loudest, and whether known);
    timing (since the previous note); keys (held, struck and released around the note); chord (the
    note's place among the notes of its onset and the held ones); span (how long the note lasts
    and what begins when it ends); hints; locks (the part of a note that is already given); seats
    (1 for every part: who is there, to a model whose parts are described).
    ``resolution``: ticks a quarter of the grid. ``loudest``: the greatest velocity that says
    anything (0: none does).
    """

    view: str
    parts: int
    codes: tuple[str, ...]
    values: tuple[str, ...]
    resolution: int = MODEL_RESOLUTION
    loudest: int = 127

    def __post_init__(self) -> None:
        if self.view not in VIEWS:
            raise ValueError(f"view must be one of {', '.join(VIEWS)}, not {self.view!r}")
        for name in (*self.codes, *self.values):
            if name not in CODE_SIZES | _VALUE_WIDTHS | _WIDTHS_PER_PART:
                raise ValueError(f"unknown feature {name!r}")
            if self.view not in _VIEW_OF_FEATURE.get(name, VIEWS):
                raise ValueError(f"feature {name!r} is not known in the {self.view} view")

    @cached_property
    def width(self) -> int:
        """How many real numbers describe a note."""
        return sum(self.value_width(name) for name in self.values)

    @cached_property
    def blocks(self) -> dict[str, slice]:
        """The columns of each block."""
        starts = {name: self.start(name) for name in self.values}
        return {name: slice(at, at + self.value_width(name)) for name, at in starts.items()}

    @property
    def per_part(self) -> dict[str, slice]:
        """The columns of the blocks that say something of each part, (parts, ...) in each row."""
        return {name: at for name, at in self.blocks.items() if name in _WIDTHS_PER_PART}

    @property
    def listens(self) -> bool:
        """Whether any feature comes from a Listener."""
        return not {"timing", "keys", "chord"}.isdisjoint(self.values)

    def touch(self, velocity: NDArray[np.int64]) -> NDArray[np.int64]:
        """The velocities as the model takes them: 0, not known, where they say nothing."""
        return np.where(velocity <= self.loudest, velocity, 0)

    def start(self, name: str) -> int:
        """The first column of the block ``name``."""
        return sum(self.value_width(n) for n in self.values[: self.values.index(name)])

    def value_width(self, name: str) -> int:
        """How many real numbers the block ``name`` has."""
        if name in _WIDTHS_PER_PART:
            return self.parts * _WIDTHS_PER_PART[name]
        return _VALUE_WIDTHS[name]


@dataclass(frozen=True)
class FeatureTable:
    """A piece as a model sees it, in the order in which its notes are heard.

    ``codes`` (N, C) and ``values`` (N, D) follow the FeatureSpec; ``pitch``, ``velocity``,
    ``onset`` and ``offset`` (N,) are what decided parts are remembered by, in MIDI and quarters;
    ``order`` (N,) gives each row's note in the sequence. ``metrical``: heard as written, not as
    played.
    """

    codes: NDArray[np.int64]
    values: NDArray[np.float32]
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]
    onset: NDArray[np.float64]
    offset: NDArray[np.float64]
    order: NDArray[np.int64]
    metrical: bool = True

    def cut(self, rows: slice) -> FeatureTable:
        """Only these rows."""
        arrays = ("codes", "values", "pitch", "velocity", "onset", "offset", "order")
        return replace(self, **{name: getattr(self, name)[rows] for name in arrays})

    def replaced(self, name: str, block: NDArray[np.floating], spec: FeatureSpec) -> FeatureTable:
        """The same piece with another ``block`` of the values ``name``, (N, ...); as it is where
        the model does not read them."""
        if name not in spec.values:
            return self
        values, start = self.values.copy(), spec.start(name)
        values[:, start : start + spec.value_width(name)] = block.reshape(len(values), -1)
        return replace(self, values=values)

    def touched(self, velocity: NDArray[np.int64], spec: FeatureSpec) -> FeatureTable:
        """The same piece with other velocities (N,), 0 where they are not known."""
        table = self.replaced("velocity", _force(velocity, spec), spec)
        codes = table.codes
        if "velocity" in spec.codes:
            codes = codes.copy()
            codes[:, spec.codes.index("velocity")] = velocity
        return replace(table, codes=codes, velocity=velocity)

    def transposed(self, semitones: int, spec: FeatureSpec) -> FeatureTable:
        """The same piece higher, hints and all."""
        codes, values = transpose(self.codes, self.values, semitones, spec)
        return replace(self, codes=codes, values=values, pitch=self.pitch + semitones)


def transpose(
    codes: NDArray[np.int64], values: NDArray[np.float32], semitones: int, spec: FeatureSpec
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The features of notes that are ``semitones`` higher. Only pitch codes and frequency are
    absolute; all else is relative to the note."""
    if semitones == 0:
        return codes, values
    if "pitch" in spec.codes:
        column = spec.codes.index("pitch")
        codes = codes.copy()
        codes[:, column] = np.clip(codes[:, column] + semitones, 0, 127)
    if "frequency" in spec.values:
        values = values.copy()
        values[:, spec.start("frequency")] *= 2.0 ** (semitones / 12)
    return codes, values


def describe(
    notes: NoteSequence,
    hints: Hints,
    spec: FeatureSpec,
    events: Sequence[KeyEvent] | None = None,
) -> FeatureTable:
    """The features of ``notes``, which are on the model's grid.

    ``events`` is a performance of the notes whose metre is unknown (note view only); without it
    the notes are heard as written.
    """
    if notes.resolution != spec.resolution:
        raise ValueError(f"expected {spec.resolution} ticks a quarter, not {notes.resolution}")
    if events is None:
        order = np.arange(len(notes))
        onset, offset = notes.onset / notes.resolution, notes.offset / notes.resolution
    else:
        order = np.array([e.note for e in events if e.is_on], dtype=np.int64)
        onset, offset = np.empty(len(notes)), np.empty(len(notes))
        for event in events:
            (onset if event.is_on else offset)[event.note] = event.time
    pitch, velocity, start = notes.pitch[order], spec.touch(notes.velocity[order]), onset[order]
    heard = _listen(notes, spec, events) if spec.listens else []
    codes, values = rows(spec, hints, pitch, velocity, start, heard, events is None, notes)
    return FeatureTable(codes, values, pitch, velocity, start, offset[order], order, events is None)


def rows(
    spec: FeatureSpec,
    hints: Hints,
    pitch: NDArray[np.int64],
    velocity: NDArray[np.int64],
    onset: NDArray[np.float64],
    heard: Sequence[Heard],
    metrical: bool,
    notes: NoteSequence | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Codes (N, C) and values (N, D) of N notes, in the order heard.

    ``velocity`` is 0 where it is not known, ``onset`` is in quarters; unless ``metrical``, the
    place in the beat is not known. Only the piece view reads ``notes``, which know how long they
    last, and the locks, which are numbered as they are.
    """
    count = len(pitch)
    codes = np.empty((count, len(spec.codes)), np.int64)
    for column, name in enumerate(spec.codes):
        codes[:, column] = _code(name, pitch, velocity, onset, metrical, notes)
    values = np.zeros((count, spec.width), np.float32)
    keys = np.array([one.keys for one in heard], np.float32).reshape(len(heard), 3, SPAN)
    for name, columns in spec.blocks.items():
        block = values[:, columns]
        if name == "frequency":
            block[:, 0] = _FREQUENCY[pitch]
        elif name == "velocity":
            block[:] = _force(velocity, spec)
        elif name == "timing":
            block[:, :3] = [one.timing for one in heard] or 0
            block[:, 3] = metrical
        elif name == "keys":
            block[:] = keys.reshape(block.shape)
        elif name == "chord":
            block[:] = _places(keys)
        elif name == "span" and notes is not None:
            block[:] = _spans(notes)
        elif name == "hints" and hints.anything:
            said = hints.encode(onset, pitch.astype(np.float64), spec.parts)
            block[:] = said.reshape(block.shape)
        elif name == "locks" and hints.locks:
            block[list(hints.locks), list(hints.locks.values())] = 1.0
        elif name == "seats":
            block[:] = 1.0
    return codes, values


def _code(
    name: str,
    pitch: NDArray[np.int64],
    velocity: NDArray[np.int64],
    onset: NDArray[np.float64],
    metrical: bool,
    notes: NoteSequence | None,
) -> NDArray[np.int64] | int:
    """The integer feature ``name`` of each note."""
    if name == "pitch":
        return pitch
    if name == "velocity":
        return velocity
    if name == "duration":
        assert notes is not None
        return np.minimum(notes.duration, CODE_SIZES["duration"] - 1)
    if name == "beat":
        return np.minimum(onset.astype(np.int64), CODE_SIZES["beat"] - 1)
    if not metrical:
        return NO_POSITION
    return np.rint(onset * MODEL_RESOLUTION).astype(np.int64) % MODEL_RESOLUTION


def _force(velocity: NDArray[np.int64], spec: FeatureSpec) -> NDArray[np.float32]:
    """The block of values of velocities (N,): (N, 2)."""
    share = velocity / np.float32(max(spec.loudest, 1))
    return np.stack([share, velocity > 0], axis=1).astype(np.float32)


def _listen(
    notes: NoteSequence, spec: FeatureSpec, events: Sequence[KeyEvent] | None
) -> list[Heard]:
    """What a Listener hears of each note, in the order of the events."""
    listener, pitch = Listener(), notes.pitch.tolist()
    heard: list[Heard] = []
    for time, is_on, keys in gestures(as_written(notes) if events is None else events):
        pitches = [pitch[n] for n in keys]
        if not is_on:
            listener.key_up(pitches[0], time)
        elif spec.view == "note":
            heard += [listener.hear_note(p, time) for p in pitches]
        else:
            heard += listener.hear_chord(pitches, time)
    return heard


def _places(keys: NDArray[np.float32]) -> NDArray[np.float32]:
    """Notes of the chord below and above, held keys below and above, in fours, (N, 4), from the
    keys around each note (N, 3, SPAN)."""
    below, above = keys[:, :2, :REACH].sum(axis=2), keys[:, :2, REACH + 1 :].sum(axis=2)
    places = np.stack([below[:, 1], above[:, 1], below[:, 0], above[:, 0]], axis=1)
    places /= np.float32(4)
    return places


def _spans(notes: NoteSequence) -> NDArray[np.float32]:
    """How long each note lasts (log quarters, and whether at all), and which notes begin when it
    ends or up to two quarters later, fading by half each half quarter, around its pitch."""
    count = len(notes)
    numbers = np.arange(count)
    upcoming = np.full((count + 1, 128 + 2 * REACH), count)
    upcoming[numbers, notes.pitch + REACH] = numbers
    upcoming = np.minimum.accumulate(upcoming[::-1])[::-1]  # from each note on, the next of a pitch
    begin = np.maximum(np.searchsorted(notes.onset, notes.offset), numbers + 1)
    following = upcoming[begin[:, None], notes.pitch[:, None] + np.arange(SPAN)]  # (N, SPAN)
    onset = np.append(notes.onset, np.iinfo(np.int64).max // 2)[following]
    gap = (onset - notes.offset[:, None]) / notes.resolution
    block = np.empty((count, SPAN + 2), np.float32)
    block[:, 0] = np.log2(1.0 + notes.duration / notes.resolution)
    block[:, 1] = notes.duration == 0
    block[:, 2:] = np.exp2(-2.0 * gap) * (gap <= 2)
    return block
