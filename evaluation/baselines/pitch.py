"""Baselines that look at a note's pitch and at nothing else.

Most common: every note to the part that plays most. Zone: the keyboard cut into one zone a part.
Knows pitch histograms. Does not know time, hints (it ignores them) or files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arranger.arrangement import Arrangement
from arranger.ensembles import Ensemble
from arranger.hints import Hints
from arranger.notes import NoteSequence

from ..pieces import IntArray, Piece

PITCHES = 128


def pitch_histogram(pieces: Iterable[tuple[NoteSequence, IntArray]], parts: int) -> IntArray:
    """How often each part plays each pitch, shape (K, 128)."""
    counts = np.zeros((parts, PITCHES), dtype=np.int64)
    for notes, labels in pieces:
        np.add.at(counts, (labels, notes.pitch), 1)
    return counts


def best_zones(histogram: IntArray) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The cut of the keyboard into one zone a part that gets most notes right.

    ``histogram`` is (K, P). Returns ``order``, the parts from the lowest zone to the highest, and
    ``lowest``, the first pitch of each of those zones; a zone may be empty.

    Dynamic programming over sets of parts: ``best[s][p]`` is the most notes below pitch ``p`` that
    the parts of set ``s`` can get right with one zone each. The topmost zone of ``s`` belongs to
    some part ``k`` and begins at some ``q``; the rest is ``best[s - k][q]``. The best ``q`` for
    every ``p`` is a running maximum, so the cost is 2^K * K * P.
    """
    parts, pitches = histogram.shape
    below = np.zeros((parts, pitches + 1), dtype=np.int64)
    np.cumsum(histogram, axis=1, out=below[:, 1:])
    best = np.full((1 << parts, pitches + 1), -1, dtype=np.int64)
    best[0, 0] = 0  # no part covers no pitch
    unreachable = -int(below[:, -1].sum()) - 1
    best[0, 1:] = unreachable
    top = np.zeros((1 << parts, pitches + 1), dtype=np.int64)
    for members in range(1, 1 << parts):
        for k in range(parts):
            if not members >> k & 1:
                continue
            rest = best[members & ~(1 << k)]
            reached = np.maximum.accumulate(rest - below[k]) + below[k]
            better = reached > best[members]
            top[members, better] = k
            best[members, better] = reached[better]
    order, lowest = [], []
    members, edge = (1 << parts) - 1, pitches
    while members:
        k = int(top[members, edge])
        members &= ~(1 << k)
        gain = best[members, : edge + 1] - below[k, : edge + 1]
        edge = int(np.argmax(gain))
        order.append(k)
        lowest.append(edge)
    return tuple(order[::-1]), tuple(lowest[::-1])


@dataclass(frozen=True)
class PitchTable:
    """Gives a note the part that ``table`` (128,) has for its pitch.

    ``confidence`` (128,) is the share of that part among the training notes of the pitch's zone.
    """

    name: str
    ensemble: Ensemble
    table: IntArray
    confidence: NDArray[np.float64]

    def label(self, notes: NoteSequence, hints: Hints) -> Arrangement:
        return Arrangement(
            notes, self.ensemble, self.table[notes.pitch], self.confidence[notes.pitch]
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "table": self.table.tolist(),
            "confidence": [round(value, 6) for value in self.confidence.tolist()],
        }

    @classmethod
    def from_dict(cls, document: dict[str, Any], ensemble: Ensemble) -> PitchTable:
        table = np.array(document["table"], dtype=np.int64)
        confidence = np.array(document["confidence"], dtype=np.float64)
        if table.shape != (PITCHES,) or confidence.shape != (PITCHES,):
            raise ValueError(f"{document['name']}: a pitch table needs {PITCHES} entries")
        if table.min() < 0 or table.max() >= len(ensemble):
            raise ValueError(
                f"{document['name']}: part {table.max()} where {ensemble.name} has {len(ensemble)}"
            )
        return cls(str(document["name"]), ensemble, table, confidence)


def most_common(histogram: IntArray, ensemble: Ensemble) -> PitchTable:
    """Every note to the part with the most notes; its confidence is that part's share."""
    sizes = histogram.sum(axis=1)
    winner = int(np.argmax(sizes))
    sure = sizes[winner] / max(1, int(sizes.sum()))
    table = np.full(PITCHES, winner, dtype=np.int64)
    return PitchTable("most-common", ensemble, table, np.full(PITCHES, float(sure)))


def zone(histogram: IntArray, ensemble: Ensemble, name: str = "zone") -> PitchTable:
    """The best zones for ``histogram``; see ``best_zones``."""
    order, lowest = best_zones(histogram)
    table = np.zeros(PITCHES, dtype=np.int64)
    confidence = np.full(PITCHES, 1 / len(ensemble))
    for k, start, stop in zip(order, lowest, [*lowest[1:], PITCHES], strict=True):
        inside = histogram[:, start:stop]
        table[start:stop] = k
        if inside.sum():
            confidence[start:stop] = inside[k].sum() / inside.sum()
    return PitchTable(name, ensemble, table, confidence)


@dataclass(frozen=True)
class ZoneOracle:
    """The best zones that each piece could have, found on its own reference: an upper bound."""

    ensemble: Ensemble
    name: str = "zone-oracle"

    def informed(self, notes: NoteSequence, parts: IntArray) -> PitchTable:
        histogram = pitch_histogram([(notes, parts)], len(self.ensemble))
        return zone(histogram, self.ensemble, self.name)


def histogram_of(pieces: Iterable[Piece], ensemble: Ensemble) -> IntArray:
    """``pitch_histogram`` of reference pieces."""
    return pitch_histogram(((p.notes, p.parts) for p in pieces), len(ensemble))
