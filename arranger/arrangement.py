"""The result of arranging: each note with its part, and what could not be kept.

Knows notes and ensembles. Does not know how the decision was made, nor files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .ensembles import Ensemble
from .notes import NoteSequence


class Violation(NamedTuple):
    """A rule of the ensemble that no choice of parts could keep, or that a lock broke."""

    note: int
    kind: str
    """``range`` or ``polyphony``."""
    reason: str


def score_order(notes: NoteSequence, parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The order (N,) that lists the parts of twins (``NoteSequence.twins``) as in a score.

    Nothing tells twins apart, so ``parts[order]`` is the same arrangement, written in one way.
    """
    order = np.arange(len(parts))
    for run in notes.twins():
        order[run] = run.start + np.argsort(parts[run], kind="stable")
    return order


@dataclass(frozen=True)
class Arrangement:
    """``parts`` and ``confidence`` have shape (N,): part of each note and how sure it is, 0..1.

    ``likely`` (N, parts), where it is known, is how likely each part was for each note, given
    what was decided of the others.
    """

    notes: NoteSequence
    ensemble: Ensemble
    parts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    violations: tuple[Violation, ...] = ()
    likely: NDArray[np.float64] | None = None

    def of(self, notes: NoteSequence, order: NDArray[np.int64]) -> Arrangement:
        """The same arrangement of ``notes``, whose note ``order[i]`` is note ``i`` here."""
        parts, confidence = np.empty_like(self.parts), np.empty_like(self.confidence)
        parts[order], confidence[order] = self.parts, self.confidence
        moved = tuple(v._replace(note=int(order[v.note])) for v in self.violations)
        likely = None
        if self.likely is not None:
            likely = np.empty_like(self.likely)
            likely[order] = self.likely
        return Arrangement(notes, self.ensemble, parts, confidence, moved, likely)

    def runners_up(self) -> list[tuple[int, float] | None]:
        """The next likeliest part of each note and how likely it was; None where that is not
        known."""
        if self.likely is None or len(self.ensemble) < 2:
            return [None] * len(self.parts)
        others = self.likely.copy()
        others[np.arange(len(self.parts)), self.parts] = -1.0
        return list(zip(others.argmax(axis=1).tolist(), others.max(axis=1).tolist(), strict=True))
