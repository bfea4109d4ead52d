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
from .notes import NoteSequence, pitch_name

Floats = NDArray[np.floating]
Scorer = Callable[[int, PartMemory | None], Floats]
"""Row of a note and the memory of B alternatives: log probabilities, shape (B, parts) or
(1, parts)."""

_MANY = 64
"""Stands for voices without limit. While so many keys are down, one alternative is enough."""

_RULE = np.array(1e6)
"""What a broken rule costs, in nats: more than any likelihood can win."""

_CROWDED = np.array(1.15)
"""A voice too many in a part counts for more than any one pitch out of range: it may be sung an
octave away, but not by a voice that is already singing."""

_NONE = np.array(0.0, np.float32)


class Rules:
    """The ranges and voices of an ensemble as arrays over its parts."""

    def __init__(self, ensemble: Ensemble) -> None:
        self.parts = len(ensemble)
        self.low = np.array([part.low for part in ensemble.parts])
        self.high = np.array([part.high for part in ensemble.parts])
        self.voices = np.array([part.voices or _MANY for part in ensemble.parts], np.float32)
        self.one = np.eye(self.parts, dtype=np.float32)
        """A note for each part, shape (parts, parts). Counts are real numbers, as they meet in
        products."""
        sets = np.arange(2 ** min(self.parts, 10))
        self._sets = (sets[:, None] >> np.arange(self.parts) & 1).astype(np.float32)
        pitch = np.arange(128)[:, None]
        beyond = np.maximum(np.maximum(self.low - pitch, pitch - self.high), 0)
        self.outside = (beyond > 0) + beyond / 1000
        """0 where a part can play a pitch, else one rule broken and a little more for each
        semitone beyond its range, shape (128, parts)."""
        inside = beyond == 0
        able = inside | ~inside.any(axis=1, keepdims=True)  # out of all, it still needs a voice
        self._asks = (able @ (1 - self._sets.T) == 0).astype(np.float32)
        """Whether the parts of each set alone can play a pitch, shape (128, sets)."""

    def demands(self, pitches: Sequence[int]) -> list[NDArray[np.float32] | None]:
        """For each note of a chord, what the notes after it ask for: of each set of parts, how
        many notes these parts alone can play. None: there are none after it."""
        if len(pitches) == 1:
            return [None]
        after = self._asks[pitches[:0:-1]].cumsum(axis=0)
        return [*after[::-1], None]

    def shortfall(self, demand: NDArray[np.float32], free: NDArray[np.float32]) -> Floats:
        """How many notes of a demand cannot be matched with the ``free`` voices (B, parts) after
        each part has taken a note, (B, parts).

        The deficiency form of Hall's theorem (Ore 1955): the worst set of parts decides.
        """
        left = np.maximum(free[:, None] - self.one, _NONE).reshape(-1, self.parts)
        excess = demand[:, None] - self._sets.dot(left.T)  # (sets, B * parts)
        short: Floats = np.maximum.reduce(excess)  # not below 0: the empty set asks for nothing
        return short.reshape(free.shape)


@dataclass
class _Held:
    """A key that is down: since when, and the part it was given in each alternative."""

    time: float
    part: NDArray[np.int64]


class Beam:
    """The most likely assignments of the notes so far, under the rules.

    ``memory``, where a scorer asks for it, follows every alternative; it knows the parts by their
    ``roles``, if these are not their numbers. With ``legato``, a note that
    began more than so many quarters ago does not keep its part from another: a player lets go of
    a key a little after striking the next.
    """

    def __init__(
        self,
        rules: Rules,
        width: int = 1,
        memory: PartMemory | None = None,
        legato: float | None = None,
        roles: NDArray[np.int64] | None = None,
    ) -> None:
        self.rules = rules
        self.width = width
        self.legato = legato
        self.memory = memory
        self._roles = np.arange(rules.parts) if roles is None else roles
        self.cost = np.zeros(1)
        self._busy = np.zeros((1, rules.parts), np.float32)
        self._held: dict[int, _Held] = {}
        self._steps: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]] = []
        """Of each note and alternative, where it came from and the part; and the likelihood of all
        parts in each alternative before it."""
        self._notes: list[int] = []

    def press(
        self,
        rows: Sequence[int],
        pitches: Sequence[int],
        time: float,
        score: Scorer,
        locks: Mapping[int, int] | None = None,
        velocities: Sequence[int] | None = None,
    ) -> None:
        """Decide the notes ``rows`` that are struck together at ``time``, in the order given.

        ``score`` is asked for one row at a time; ``locks`` fixes the part of a row;
        ``velocities`` are for the memory.
        """
        for n, waiting in enumerate(self.rules.demands(pitches)):
            row, pitch = rows[n], pitches[n]
            likelihood = score(row, self.memory)
            part = self._decide(row, pitch, time, likelihood, (locks or {}).get(row), waiting)
            if self.memory is not None:
                velocity = velocities[n] if velocities else 0
                self.memory.assign(self._roles[part], pitch, time, np.inf, velocity)

    def release(self, row: int, time: float) -> None:
        """The key of note ``row`` goes up."""
        part = self._held.pop(row).part
        self._busy -= self.rules.one.take(part, 0)
        if self.memory is not None:
            silent = self._busy[np.arange(len(part)), part] == 0
            self.memory.release(self._roles[part], silent, time)

    def _decide(
        self,
        row: int,
        pitch: int,
        time: float,
        likelihood: Floats,
        locked: int | None,
        waiting: NDArray[np.float32] | None,
    ) -> NDArray[np.int64]:
        """The part of one note in each of the alternatives that are kept."""
        rules = self.rules
        busy = self._sounding(time)
        paid = (busy >= rules.voices) * _CROWDED  # (alternatives, parts)
        paid += rules.outside[pitch]
        paid *= _RULE
        paid += self.cost[:, None]
        paid -= likelihood
        total = paid
        if waiting is not None:
            total = paid + _RULE * rules.shortfall(waiting, rules.voices - busy)
        if locked is not None:
            total = np.where(np.arange(rules.parts) == locked, total, np.inf)
        best = self._best(total.ravel())
        parent = best // rules.parts
        part = best - parent * rules.parts
        self.cost = paid.take(best)
        self._steps.append((parent, part, likelihood))
        self._notes.append(row)
        self._follow(parent)
        self._busy += rules.one.take(part, 0)
        self._held[row] = _Held(time, part)
        return part

    def _best(self, total: Floats) -> NDArray[np.int64]:
        """The places of the least finite values of ``total``, least first, as many as the beam
        is wide."""
        width = self.width if len(self._held) < _MANY else 1
        if width == 1:
            return np.array([total.argmin()])
        best: NDArray[np.int64] = total.argsort(kind="stable")[:width]
        return best[total.take(best) < np.inf]

    def _sounding(self, time: float) -> NDArray[np.float32]:
        """How many notes each part holds that keep it from another, (alternatives, parts)."""
        if self.legato is None:
            return self._busy
        recent = np.zeros_like(self._busy)
        for held in self._held.values():
            if time - held.time < self.legato:
                recent += self.rules.one.take(held.part, 0)
        return recent

    def _follow(self, parent: NDArray[np.int64]) -> None:
        """Keep the alternatives ``parent``, in that order."""
        if len(self._busy) == 1 and len(parent) == 1:
            return
        self._busy = self._busy.take(parent, 0)
        for held in self._held.values():
            held.part = held.part.take(parent)
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

    def latest(self, count: int) -> list[tuple[int, Floats]]:
        """Of the last ``count`` notes in the best alternative: the part, and the log probability
        of every part, (parts,)."""
        at, found = int(self.cost.argmin()), []
        for parent, part, likelihood in self._steps[: -count - 1 : -1]:
            chosen, at = int(part[at]), int(parent[at])
            found.append((chosen, _row(likelihood, at)))
        return found[::-1]

    def trace(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Of each of ``count`` rows in the best alternative: its part, (count,), and how likely
        each part was, (count, parts)."""
        parts, likely = np.zeros(count, np.int64), np.full((count, self.rules.parts), -np.inf)
        at = int(self.cost.argmin()) if self._steps else 0
        for row, (parent, part, likelihood) in zip(
            reversed(self._notes), reversed(self._steps), strict=True
        ):
            parts[row], at = part[at], int(parent[at])
            likely[row] = _row(likelihood, at)
        return parts, np.exp(likely)


def _row(likelihood: Floats, alternative: int) -> Floats:
    """The row of an alternative, where there may be one row for all of them."""
    row: Floats = likelihood[alternative if len(likelihood) > 1 else 0]
    return row


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
            reach = f"{part.name} reaches from {pitch_name(part.low)} to {pitch_name(part.high)}"
            high = pitch_name(int(notes.pitch[n]))
            found.append(Violation(n, "range", f"{where}: {high}, {reach}"))
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


def _crowded(notes: NoteSequence, own: NDArray[np.int64], voices: int) -> list[tuple[int, int]]:
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
