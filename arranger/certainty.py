"""How sure an answer is, as a person may take it: of the notes that are 80 % sure, 80 % are right.

What a model claims of its own choice is far from that in some ways of listening. It is mapped by a
curve that only rises, one for each kind of answer, found on valid pieces
(``training.calibration``). No decision depends on it. Knows numbers; not models, nor how anything
is decided.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MANNERS = ("offline", "chord-live", "live", "stage")
"""How a piece is heard: whole; chord by chord or note by note, as written; as a player plays it."""

HINTED = {"none": "", "entry": "+entry", "pitch": "+pitch", "both": "+both"}
"""What each kind of hints adds to the name of a kind of answer."""

WITHOUT_ENTRY = {"+entry": "", "+both": "+pitch"}
"""Whose curve stands for answers that have none of their own."""

KINDS = tuple(
    m + wait + said for m in MANNERS for wait in ("", "+wait") for said in HINTED.values()
)
"""A live answer may wait: it then comes from a beam of alternatives, which have most of the past in
common and are far too sure of it. Hints of pitch end most doubts about which of two like parts is
which; after hints of entry a model is surer of that than it is right."""


def kind_of_answer(manner: str, waits: bool, hints: str) -> str:
    """One of ``KINDS``; ``hints``: one of ``arranger.hints.HINT_KINDS``."""
    return manner + ("+wait" if waits else "") + HINTED[hints]


class Curve:
    """Straight lines from point to point, ``points`` (P, 2): what is claimed, and the share that is
    right. From 0 to 1 and ever rising, so that the order of answers by confidence stays."""

    def __init__(self, points: Sequence[Sequence[float]]) -> None:
        try:
            claimed, right = np.array(points, float).T
        except (TypeError, ValueError):
            raise ValueError(
                f"a curve is a list of points [claimed, right], not {points}"
            ) from None
        if not ((np.diff(claimed) > 0).all() and (np.diff(right) > 0).all()):
            raise ValueError(f"a curve rises from point to point, unlike {points}")
        if not (claimed[0] == 0 and claimed[-1] == 1):
            raise ValueError(f"a curve goes from 0 to 1, unlike {points}")
        if not (right[0] >= 0 and right[-1] <= 1):
            raise ValueError(f"a share that is right lies in 0..1, unlike {points}")
        self._claimed: list[float] = claimed.tolist()
        self._right: list[float] = right.tolist()

    def of(self, claimed: float) -> float:
        """The share that is right of answers of which so much is claimed."""
        n = min(bisect_right(self._claimed, claimed), len(self._claimed) - 1)
        left, low = self._claimed[n - 1], self._right[n - 1]
        rise = (self._right[n] - low) / (self._claimed[n] - left)
        return low + (claimed - left) * rise


AS_CLAIMED = Curve(((0.0, 0.0), (1.0, 1.0)))


class Certainty:
    """The curve of each kind of answer, where there is one; ``curves`` maps ``KINDS`` to points."""

    def __init__(self, curves: Mapping[str, Any]) -> None:
        if not isinstance(curves, Mapping):
            raise ValueError(f"certainty: expected kinds of answers and curves, not {curves!r}")
        for kind in curves:
            if kind not in KINDS:
                raise ValueError(f"unknown kind of answer {kind!r}; known are {', '.join(KINDS)}")
        self._curves = {kind: Curve(points) for kind, points in curves.items()}

    def curve(self, kind: str) -> Curve:
        """The curve of answers of that ``kind``, or of the like without hints of entry;
        ``AS_CLAIMED`` where nothing is known of either."""
        if kind not in self._curves:
            for said, without in WITHOUT_ENTRY.items():
                kind = kind.replace(said, without)
        return self._curves.get(kind, AS_CLAIMED)


_LEAST = 1e-30


def spread(likely: Floats, parts: NDArray[np.int64], sure: Floats) -> Floats:
    """``likely`` (N, parts) with the chosen ``parts`` (N,) as likely as ``sure`` (N,) says.

    The others share what is left in their old proportion, but none overtakes a chosen part that it
    was behind.
    """
    chosen = np.arange(len(parts)), parts
    behind = likely <= likely[chosen][:, None]
    others = likely.copy()
    others[chosen] = 0.0
    others *= ((1.0 - sure) / np.maximum(others.sum(axis=1), _LEAST))[:, None]
    others[behind] = np.minimum(others, sure[:, None])[behind]
    others[chosen] = sure
    return others
