"""From scores to decisions, within the rules of an ensemble.

A Beam hears keys go down and up, as a session does, and keeps the ``width`` most likely
assignments of the notes so far. It gives every note a part and breaks a rule only where no choice
keeps it: among the parts for a note it first counts broken rules, those that the rest of the
chord will force included (a matching bound, exact within a chord), then compares likelihoods.
The same Beam serves whole pieces and single notes. Knows rules and numbers; not torch, models or
features, but for the memory of what each part has played.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arrangement import Violation
from .ensembles import Ensemble
from .features import PartMemory
from .notes import NoteSequence

Floats = NDArray[np.floating]
Score = Callable[[int, PartMemory | None], Floats]
"""Row of a note and the memory of B alternatives: log probabilities, shape (B, parts) or
(1, parts)."""

_MANY = 64
"""Stands for voices without limit."""

_RULE = 1e6
"""What a broken rule costs, in nats: more than any likelihood can win."""


class Rules:
    """The ranges and voices of an ensemble as arrays over its parts."""

    def __init__(self, ensemble: Ensemble) -> None:
        self.parts = len(ensemble)
        self.low = np.array([part.low for part in ensemble.parts])
        self.high = np.array([part.high for part in ensemble.parts])
        self.voices = np.array([part.voices or _MANY for part in ensemble.parts])
        sets = np.arange(2 ** min(self.parts, 10))
        self._member = (sets[:, None] >> np.arange(self.parts) & 1).astype(np.float32)

    def outside(self, pitch: int) -> NDArray[np.bool_]:
        """The parts that cannot play ``pitch``, shape (parts,)."""
        return (pitch < self.low) | (pitch > self.high)

    def demand(self, pitches: Sequence[int]) -> NDArray[np.float32]:
        """For each set of parts, how many of ``pitches`` these parts alone can play."""
        count = np.zeros(len(self._member), np.float32)
        for pitch in pitches:
            inside = ~self.outside(pitch)
            if inside.any():
                count += (self._member >= inside).all(axis=1)
        return count

    def shortfall(self, demand: NDArray[np.float32], free: Floats) -> Floats:
        """How many notes of a demand cannot be matched with the ``free`` voices (..., parts).

        The deficiency form of Hall's theorem (Ore 1955): the worst set of parts decides.
        """
        excess: Floats = demand - np.maximum(free, 0) @ self._member.T
        return np.maximum(excess.max(axis=-1), 0)


@dataclass
class _Held:
    """A key that is down: the part it was given in each alternative."""

    pitch: int
    part: NDArray[np.int64]


class Beam:
    """The most likely assignments of the notes so far, under the rules.

    With ``remember``, a PartMemory follows every alternative for a scorer that asks for it.
    """

    def __init__(self, rules: Rules, width: int = 1, remember: bool = True) -> None:
        self.rules = rules
        self.width = width
        self.memory = PartMemory(1, rules.parts) if remember else None
        self.cost = np.zeros(1)
        self._busy = np.zeros((1, rules.parts), np.int64)
        self._held: dict[int, _Held] = {}
        self._steps: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]] = []
        self._notes: list[int] = []

    def press(
        self,
        rows: Sequence[int],
        pitches: Sequence[int],
        time: float,
        score: Score,
        locks: Mapping[int, int] | None = None,
    ) -> list[tuple[int, float]]:
        """Decide the notes ``rows`` that are struck together at ``time``, in the order given.

        ``score`` is asked for one row at a time; ``locks`` fixes the part of a row. Returns the
        part and confidence of each in the alternative that is the best after it.
        """
        decided = []
        for n, (row, pitch) in enumerate(zip(rows, pitches, strict=True)):
            likelihood = score(row, self.memory)
            locked = None if locks is None else locks.get(row)
            decided.append(self._decide(row, pitch, time, likelihood, locked, pitches[n + 1 :]))
        return decided

    def release(self, row: int, time: float) -> None:
        """The key of note ``row`` goes up."""
        held = self._held.pop(row)
        at = (np.arange(len(self.cost)), held.part)
        self._busy[at] -= 1
        if self.memory is not None:
            silent = self._busy[at] == 0
            offset = self.memory.last_offset
            offset[at] = np.where(silent, time, offset[at])

    def _decide(
        self,
        row: int,
        pitch: int,
        time: float,
        likelihood: Floats,
        locked: int | None,
        waiting: Sequence[int],
    ) -> tuple[int, float]:
        rules = self.rules
        broken = rules.outside(pitch) + (self._busy >= rules.voices).astype(np.int64)
        if waiting:
            free = rules.voices - self._busy
            after = free[:, None, :] - np.eye(rules.parts, dtype=np.int64)
            broken = broken + rules.shortfall(rules.demand(waiting), after)
        total = self.cost[:, None] + _RULE * broken - likelihood
        if locked is not None:
            total = np.where(np.arange(rules.parts) == locked, total, np.inf)
        flat = total.ravel()
        if self.width == 1:
            best = np.array([int(flat.argmin())])
        else:
            count = min(self.width, int(np.isfinite(flat).sum()))
            best = np.argpartition(flat, count - 1)[:count]
            best = best[np.argsort(flat[best], kind="stable")]
        parent, part = np.divmod(best, rules.parts)
        if waiting:  # only rules already broken are carried on
            done = rules.outside(pitch) + (self._busy >= rules.voices).astype(np.int64)
            total = self.cost[:, None] + _RULE * done - likelihood
        self.cost = total.ravel()[best]
        shared = np.broadcast_to(likelihood, (len(self._busy), rules.parts))
        self._steps.append((parent, part, np.exp(shared[parent, part])))
        self._notes.append(row)
        self._follow(parent)
        self._busy[np.arange(len(part)), part] += 1
        self._held[row] = _Held(pitch, part)
        if self.memory is not None:
            self.memory.assign(part, pitch, time, np.inf)
        return int(part[0]), float(self._steps[-1][2][0])

    def _follow(self, parent: NDArray[np.int64]) -> None:
        """Keep the alternatives ``parent``, in that order."""
        if len(self._busy) == 1 and len(parent) == 1:
            return
        self._busy = self._busy[parent]
        for held in self._held.values():
            held.part = held.part[parent]
        if self.memory is not None:
            self.memory = self.memory.select(parent)

    def trace(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Part and confidence of each of ``count`` rows in the best alternative."""
        parts, confidence = np.zeros(count, np.int64), np.zeros(count)
        at = int(self.cost.argmin()) if self._steps else 0
        for row, (parent, part, sure) in zip(
            reversed(self._notes), reversed(self._steps), strict=True
        ):
            parts[row], confidence[row] = part[at], sure[at]
            at = int(parent[at])
        return parts, confidence


def report_violations(
    notes: NoteSequence, ensemble: Ensemble, parts: NDArray[np.int64]
) -> tuple[Violation, ...]:
    """Where an assignment breaks the rules of ``ensemble``, in words, in the order of notes."""
    found: list[Violation] = []
    for k, part in enumerate(ensemble.parts):
        own = np.flatnonzero(parts == k)
        pitch = notes.pitch[own]
        for n in own[(pitch < part.low) | (pitch > part.high)].tolist():
            reason = (
                f"bar {notes.bar_number(int(notes.onset[n]))}: pitch {notes.pitch[n]} is outside "
                f"the range {part.low}..{part.high} of {part.name}"
            )
            found.append(Violation(n, "range", reason))
        if part.voices is not None:
            for n, sounding in _crowded(notes, own, part.voices):
                reason = (
                    f"bar {notes.bar_number(int(notes.onset[n]))}: {sounding} notes at once for "
                    f"{part.name}, which has {part.voices}"
                )
                found.append(Violation(n, "polyphony", reason))
    return tuple(sorted(found))


def _crowded(
    notes: NoteSequence, own: NDArray[np.int64], voices: int
) -> list[tuple[int, int]]:
    """The notes of one part that begin while ``voices`` others sound, and how many then sound."""
    onset, offset = notes.onset[own], notes.offset[own]
    if voices == 1 and (offset[:-1] <= onset[1:]).all():
        return []
    crowded: list[tuple[int, int]] = []
    ends: list[int] = []
    for n, start, end in zip(own.tolist(), onset.tolist(), offset.tolist(), strict=True):
        ends = [e for e in ends if e > start]
        if len(ends) >= voices:
            crowded.append((n, len(ends) + 1))
        ends.append(end)
    return crowded
