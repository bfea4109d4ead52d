"""Passes of a model that threads share: what several want at once is done together.

A pass costs a GPU much the same for one piece as for many. Knows threads and lengths; neither
torch nor what is heard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Features(NamedTuple):
    """What a model hears of a piece: ``codes`` (H, N, C) and ``values`` (H, N, D)."""

    codes: NDArray[np.int64]
    values: NDArray[np.float32]

    @property
    def hearings(self) -> int:
        return len(self.codes)

    @property
    def length(self) -> int:
        return int(self.codes.shape[1])


Heard = NDArray[np.float32]
"""What a model says of it, (H, N, units)."""


@dataclass(frozen=True)
class PassLimits:
    """``notes``: of one pass, padding included; a longer piece goes alone. ``padding``: at most
    this share of a pass. ``seconds``: for which a pass waits for as many pieces as shared the one
    before; a piece that is alone never waits."""

    notes: int = 65_536
    padding: float = 0.25
    seconds: float = 0.002


class Passes:
    """Gives each caller what ``hear`` gives for its piece.

    The caller who finds nobody at work leads: its thread runs the passes until its own piece has
    been heard, then the next caller leads. So there is no thread that could end before the others.
    """

    def __init__(
        self, hear: Callable[[Sequence[Features]], list[Heard]], limits: PassLimits
    ) -> None:
        self._hear = hear
        self._limits = limits
        self._changed = Condition()
        self._waiting: list[_Wish] = []
        self._led = False
        self._shared = 1
        """How many pieces shared the last pass."""
        self.count = 0
        self.notes = 0
        self.padding = 0
        """Passes run, notes heard in them, and the room that was padded, each hearing counted."""

    @property
    def waiting(self) -> int:
        """How many pieces are being heard or wait."""
        return len(self._waiting)

    def hear(self, features: Features) -> Heard:
        """One piece, of one note or more; waits for its turn. What ``hear`` raises for this piece
        is raised here, and nowhere else."""
        wish = _Wish(features)
        with self._changed:
            self._waiting.append(wish)
            self._changed.notify_all()
            self._changed.wait_for(lambda: wish.settled() or not self._led)
            if wish.settled():
                return wish.result()
            self._led = True
        try:
            while not wish.settled():
                self._run_next()
        finally:
            with self._changed:
                self._led = False
                self._changed.notify_all()
        return wish.result()

    def _run_next(self) -> None:
        """A pass with the piece that has waited longest, and those that fit it best."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) >= self._shared, self._limits.seconds)
            places = together([wish.features for wish in self._waiting], self._limits)
            chosen = [self._waiting[n] for n in places]
        self._run(chosen)
        with self._changed:
            self._shared = len(chosen)
            self._waiting = [wish for wish in self._waiting if not wish.settled()]
            self._changed.notify_all()

    def _run(self, wishes: Sequence[_Wish]) -> None:
        """A pass; where it fails, one for each piece, so that no piece suffers by another."""
        try:
            heard = self._hear([wish.features for wish in wishes])
        except Exception as error:
            if len(wishes) == 1:
                wishes[0].error = error
                return
            for wish in wishes:
                self._run([wish])
            return
        lengths = [wish.features.length for wish in wishes]
        hearings = wishes[0].features.hearings
        self.count += 1
        self.notes += hearings * sum(lengths)
        self.padding += hearings * (max(lengths) * len(lengths) - sum(lengths))
        for wish, one in zip(wishes, heard, strict=True):
            wish.heard = one


class _Wish:
    """A piece that is to be heard."""

    def __init__(self, features: Features) -> None:
        self.features = features
        self.heard: Heard | None = None
        self.error: Exception | None = None

    def settled(self) -> bool:
        return self.heard is not None or self.error is not None

    def result(self) -> Heard:
        if self.error is not None:
            raise self.error
        assert self.heard is not None
        return self.heard


def together(waiting: Sequence[Features], limits: PassLimits) -> list[int]:
    """The places of those that share a pass: the first, and of the nearest lengths what fits."""
    first = waiting[0]
    chosen, longest, total = [0], first.length, first.length
    others = range(1, len(waiting))
    for n in sorted(others, key=lambda n: abs(waiting[n].length - first.length)):
        most, notes = max(longest, waiting[n].length), total + waiting[n].length
        room = most * (len(chosen) + 1)
        if room * first.hearings <= limits.notes and room - notes <= limits.padding * room:
            chosen.append(n)
            longest, total = most, notes
    return chosen
