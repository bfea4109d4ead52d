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
    """``parts`` and ``confidence`` have shape (N,): part of each note and how sure it is, 0..1."""

    notes: NoteSequence
    ensemble: Ensemble
    parts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    violations: tuple[Violation, ...] = ()

    def of(self, notes: NoteSequence, order: NDArray[np.int64]) -> Arrangement:
        """The same arrangement of ``notes``, whose note ``order[i]`` is note ``i`` here."""
        parts, confidence = np.empty_like(self.parts), np.empty_like(self.confidence)
        parts[order], confidence[order] = self.parts, self.confidence
        moved = tuple(v._replace(note=int(order[v.note])) for v in self.violations)
        return Arrangement(notes, self.ensemble, parts, confidence, moved)
