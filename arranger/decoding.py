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
from heapq import heappop, heappush

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
"""Stands for voices without limit. While so many keys are down, one alternative is enough."""

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

    def demands(self, pitches: Sequence[int]) -> list[NDArray[np.float32]]:
        """For each note of a chord, what the notes after it ask for: of each set of parts, how
        many notes these parts alone can play."""
        waiting = np.zeros(len(self._member), np.float32)
        after = [waiting]
        for pitch in reversed(pitches[1:]):
            inside = ~self.outside(pitch)
            if inside.any():
                waiting = waiting + (self._member >= inside).all(axis=1)
            after.append(waiting)
        return after[::-1]

    def shortfall(self, demand: NDArray[np.float32], free: Floats) -> Floats:
        """How many notes of a demand cannot be matched with the ``free`` voices (..., parts).

        The deficiency form of Hall's theorem (Ore 1955): the worst set of parts decides.
        """
        excess: Floats = demand - np.maximum(free, 0) @ self._member.T
        return np.maximum(excess.max(axis=-1), 0)


@dataclass
class _Held:
    """A key that is down: since when, and the part it was given in each alternative."""

    time: float
    part: NDArray[np.int64]


class Beam:
    """The most likely assignments of the notes so far, under the rules.

    With ``remember``, a PartMemory follows every alternative for a scorer that asks for it. With
    ``legato``, a note that began more than so many quarters ago does not keep its part from
    another: a player lets go of a key a little after striking the next.
    """

    def __init__(
        self,
        rules: Rules,
        width: int = 1,
        remember: bool = True,
        legato: float | None = None,
    ) -> None:
        self.rules = rules
        self.width = width
        self.legato = legato
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
    ) -> None:
        """Decide the notes ``rows`` that are struck together at ``time``, in the order given.

        ``score`` is asked for one row at a time; ``locks`` fixes the part of a row.
        """
        for row, pitch, waiting in zip(rows, pitches, self.rules.demands(pitches), strict=True):
            likelihood = score(row, self.memory)
            locked = None if locks is None else locks.get(row)
            self._decide(row, pitch, time, likelihood, locked, waiting)

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
        waiting: NDArray[np.float32],
    ) -> None:
        rules = self.rules
        busy = self._sounding(time)
        done = rules.outside(pitch) + (busy >= rules.voices).astype(np.int64)
        broken = done
        if waiting.any():
            free = rules.voices - busy
            after = free[:, None, :] - np.eye(rules.parts, dtype=np.int64)
            broken = done + rules.shortfall(waiting, after)
        total = self.cost[:, None] + _RULE * broken - likelihood
        if locked is not None:
            total = np.where(np.arange(rules.parts) == locked, total, np.inf)
        flat = total.ravel()
        width = self.width if len(self._held) < _MANY else 1
        if width == 1:
            best = np.array([int(flat.argmin())])
        else:
            count = min(width, int(np.isfinite(flat).sum()))
            best = np.argpartition(flat, count - 1)[:count]
            best = best[np.argsort(flat[best], kind="stable")]
        parent, part = np.divmod(best, rules.parts)
        paid = self.cost[:, None] + _RULE * done - likelihood
        self.cost = paid.ravel()[best]
        shared = np.broadcast_to(likelihood, (len(self._busy), rules.parts))
        self._steps.append((parent, part, np.exp(shared[parent, part])))
        self._notes.append(row)
        self._follow(parent)
        self._busy[np.arange(len(part)), part] += 1
        self._held[row] = _Held(time, part)
        if self.memory is not None:
            self.memory.assign(part, pitch, time, np.inf)

    def _sounding(self, time: float) -> NDArray[np.int64]:
        """How many notes each part holds that keep it from another, (alternatives, parts)."""
        if self.legato is None:
            return self._busy
        recent = np.zeros_like(self._busy)
        for held in self._held.values():
            if time - held.time < self.legato:
                recent[np.arange(len(recent)), held.part] += 1
        return recent

    def _follow(self, parent: NDArray[np.int64]) -> None:
        """Keep the alternatives ``parent``, in that order."""
        if len(self._busy) == 1 and len(parent) == 1:
            return
        self._busy = self._busy[parent]
        for held in self._held.values():
            held.part = held.part[parent]
        if self.memory is not None:
            self.memory = self.memory.select(parent)

    def posterior(self, count: int) -> Floats:
        """How likely each part is for the last ``count`` notes, (count, parts), over all
        alternatives."""
        weight = np.exp(self.cost.min() - self.cost)
        weight /= weight.sum()
        likely = np.zeros((count, self.rules.parts))
        at = np.arange(len(weight))
        for n in range(1, count + 1):
            parent, part, _ = self._steps[-n]
            np.add.at(likely[-n], part[at], weight)
            at = parent[at]
        return likely

    def latest(self, count: int) -> list[int]:
        """The parts of the last ``count`` notes in the best alternative."""
        at, parts = int(self.cost.argmin()), []
        for parent, part, _ in self._steps[: -count - 1 : -1]:
            parts.append(int(part[at]))
            at = int(parent[at])
        return parts[::-1]

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
    voices = sum(part.voices or _MANY for part in ensemble.parts)
    for k, part in enumerate(ensemble.parts):
        own = np.flatnonzero(parts == k)
        pitch = notes.pitch[own]
        for n in own[(pitch < part.low) | (pitch > part.high)].tolist():
            where = f"bar {notes.bar_number(int(notes.onset[n]))}"
            reach = f"{part.name} reaches from {part.low} to {part.high}"
            found.append(Violation(n, "range", f"{where}: pitch {notes.pitch[n]}, {reach}"))
        crowded = _crowded(notes, own, part.voices) if part.voices is not None else []
        for n, at_once in crowded:
            where = f"bar {notes.bar_number(int(notes.onset[n]))}"
            sounding = _sounding_at(notes, int(notes.onset[n]))
            reason = f"{where}: {at_once} notes at once for {part.name}"
            if sounding > voices:
                reason = f"{where}: {sounding} notes at once, {voices} voices"
            found.append(Violation(n, "polyphony", reason))
    return tuple(sorted(found))


def _sounding_at(notes: NoteSequence, tick: int) -> int:
    """How many notes sound at ``tick``."""
    begun = int(np.searchsorted(notes.onset, tick, side="right"))
    return begun - int((notes.offset[:begun] <= tick).sum())


def _crowded(
    notes: NoteSequence, own: NDArray[np.int64], voices: int
) -> list[tuple[int, int]]:
    """The notes of one part that begin while ``voices`` others sound, and how many then sound."""
    onset, offset = notes.onset[own], notes.offset[own]
    if (offset[:-1] <= onset[1:]).all():
        return []
    crowded: list[tuple[int, int]] = []
    ends: list[int] = []
    for n, start, end in zip(own.tolist(), onset.tolist(), offset.tolist(), strict=True):
        while ends and ends[0] <= start:
            heappop(ends)
        if len(ends) >= voices:
            crowded.append((n, len(ends) + 1))
        heappush(ends, end)
    return crowded
