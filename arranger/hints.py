"""Hints: what a person knows beforehand about an arrangement.

Entry hints say when each part first plays, pitch hints how high it lies on average, locks which
notes are already given. Knows their one encoding, used in training and in use alike. Does not
know where they come from, nor the models.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from .ensembles import Ensemble
from .notes import NoteSequence

HINT_KINDS = ("none", "entry", "pitch", "both")
"""Which hints of a piece are given: where parts enter, how high they lie."""

HINT_WIDTH = 5
"""Numbers that ``encode`` gives for each note and part."""


@dataclass(frozen=True)
class Hints:
    """``entries``: part to the quarter note (from the start, may be fractional) of its first
    note; ``mean_pitch``: part to the mean MIDI pitch of its notes; ``locks``: note to part.
    Parts and notes are counted from 0, notes in the order of the NoteSequence.
    """

    entries: Mapping[int, float] = field(default_factory=dict)
    mean_pitch: Mapping[int, float] = field(default_factory=dict)
    locks: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def from_reference(cls, notes: NoteSequence, parts: NDArray[np.int64], kind: str) -> Hints:
        """The hints that a reference arrangement gives; ``kind``: none, entry, pitch or both."""
        if kind not in HINT_KINDS:
            raise ValueError(f"hints must be none, entry, pitch or both, not {kind!r}")
        entries, mean_pitch = {}, {}
        for k in np.unique(parts).tolist():
            own = parts == k
            if kind in {"entry", "both"}:
                entries[k] = float(notes.onset[own].min() / notes.resolution)
            if kind in {"pitch", "both"}:
                mean_pitch[k] = float(notes.pitch[own].mean())
        return cls(entries, mean_pitch)

    @property
    def kind(self) -> str:
        """One of ``HINT_KINDS``."""
        if self.entries and self.mean_pitch:
            return "both"
        return "entry" if self.entries else "pitch" if self.mean_pitch else "none"

    @property
    def anything(self) -> bool:
        """Whether there is anything for ``encode`` to say."""
        return bool(self.entries or self.mean_pitch)

    def after(self, order: NDArray[np.int64]) -> Hints:
        """The same hints where note ``i`` was note ``order[i]``."""
        if not self.locks:
            return self
        locks = {i: self.locks[n] for i, n in enumerate(order.tolist()) if n in self.locks}
        return Hints(self.entries, self.mean_pitch, locks)

    def renamed(self, names: NDArray[np.int64]) -> Hints:
        """The same hints where part ``k`` is called ``names[k]``."""
        name = names.tolist()
        return Hints(
            {name[k]: entry for k, entry in self.entries.items()},
            {name[k]: mean for k, mean in self.mean_pitch.items()},
            {note: name[k] for note, k in self.locks.items()},
        )

    def transposed(self, semitones: int) -> Hints:
        """The same hints for the piece ``semitones`` higher."""
        moved = {k: pitch + semitones for k, pitch in self.mean_pitch.items()}
        return Hints(self.entries, moved, self.locks)

    def encode(
        self, onset: NDArray[np.floating], pitch: NDArray[np.floating], parts: int
    ) -> NDArray[np.float32]:
        """What the hints say of each note, shape (N, parts, HINT_WIDTH).

        ``onset`` (N,) is in quarters, ``pitch`` (N,) in MIDI. For each part: an entry hint is
        given; the part has entered; it enters here; a pitch hint is given; the distance from its
        mean pitch in octaves.
        """
        code = np.zeros((len(onset), parts, HINT_WIDTH), np.float32)
        for k, entry in self.entries.items():
            code[:, k, 0] = 1.0
            code[:, k, 1] = onset >= entry - _SOON
            code[:, k, 2] = np.abs(onset - entry) <= _SOON
        for k, mean in self.mean_pitch.items():
            code[:, k, 3] = 1.0
            code[:, k, 4] = (pitch - mean) / 12.0
        return code

    def broken(
        self, onset: NDArray[np.floating], pitch: NDArray[np.integer], parts: NDArray[np.int64]
    ) -> float:
        """How many notes are not as hinted where they are given to ``parts`` (N,): those that come
        before their part, and of a part all its notes for each octave that their mean is off.

        ``onset`` (N,) is in quarters, ``pitch`` (N,) in MIDI. Locks are not looked at.
        """
        early = sum(
            int(np.sum(onset[parts == k] < entry - _SOON)) for k, entry in self.entries.items()
        )
        off = sum(
            abs(float(np.sum(pitch[parts == k] - mean))) / 12 for k, mean in self.mean_pitch.items()
        )
        return early + off


_SOON = 1 / 16
"""Quarters by which an onset may miss an entry hint and still be the entry."""


def load_hints(path: str | Path, ensemble: Ensemble) -> Hints:
    """Hints from a YAML file with the keys entries, mean_pitch and locks, each optional.

    Raises ValueError, with one sentence, for an unreadable file, key, part or number.
    """
    path = Path(path)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable YAML file ({type(error).__name__})") from error
    known = {"entries", "mean_pitch", "locks"}
    if not isinstance(document, dict) or not set(document) <= known:
        raise ValueError(f"{path}: expected only the keys entries, mean_pitch and locks")
    try:
        return Hints(
            {ensemble.index(str(k)): _number(v) for k, v in _section(document, "entries")},
            {ensemble.index(str(k)): _pitch(v) for k, v in _section(document, "mean_pitch")},
            {_note(k): ensemble.index(str(v)) for k, v in _section(document, "locks")},
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"expected a number, not {value!r}")
    return float(value)


def _pitch(value: Any) -> float:
    pitch = _number(value)
    if not 0 <= pitch <= 127:
        raise ValueError(f"a mean pitch is a MIDI number, 0 to 127, not {value!r}")
    return pitch


def _note(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"expected the number of a note to lock, not {value!r}")
    return value


def _section(document: Mapping[str, Any], key: str) -> list[tuple[Any, Any]]:
    section = document.get(key) or {}
    if not isinstance(section, dict):
        raise ValueError(f"{key} must map names to values")
    return list(section.items())
