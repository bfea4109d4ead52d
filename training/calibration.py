"""Calibration: a checkpoint becomes as sure as it is right, on the decisions that users get.

First a temperature (Guo et al. 2017), by which the model's scores are divided, decoder included.
Then the curves of ``arranger.certainty``, which no decision depends on: isotonic regression
(Zadrozny and Elkan 2002) of whether answers are right on what the model claims of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from arranger.certainty import Curve, kind_of_answer
from arranger.checkpoints import Checkpoint
from arranger.hints import HINT_KINDS
from arranger.offline import Arranger
from arranger.online import LiveArranger
from evaluation.metrics import calibration_error
from evaluation.pieces import Labeller, Piece
from evaluation.runner import PieceResult, evaluate

TEMPERATURES = (0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.4, 2.8, 3.4)

POINTS, ANSWERS = 12, 50
"""Points of a curve, and the fewest answers that one of them stands for."""

ORDER = 0.01
"""How much of what is claimed stays in a curve, so that it rises where rightness does not."""

LISTENING = {
    "offline": (("offline", 0.0),),
    "chord-live": (("chord-live", 0.0), ("chord-live", 0.05)),
    "live": (("live", 0.0), ("live", 0.05), ("stage", 0.0), ("stage", 0.05)),
}
"""How the checkpoints of each mode may hear a piece (``arranger.certainty.MANNERS``), and how many
seconds they then wait with an answer."""

Curves = dict[str, list[list[float]]]


@dataclass(frozen=True)
class Trial:
    """Pieces, and a checkpoint at work for the ensemble that they are for."""

    checkpoint: Checkpoint
    pieces: Sequence[Piece]

    def with_card(self, **changes: Any) -> Trial:
        """The same with a card that says something else."""
        card = replace(self.checkpoint.card, **changes)
        return replace(self, checkpoint=replace(self.checkpoint, card=card))


def best_temperature(
    trials: Sequence[Trial], arranger_for: Callable[[Checkpoint], Labeller]
) -> float:
    """The temperature with the least calibration error in all ``trials``, no hints, no curves."""

    def error(temperature: float) -> float:
        at = [trial.with_card(temperature=temperature, certainty={}) for trial in trials]
        found = list(_results(at, arranger_for, trials[0].checkpoint.card.mode))
        return calibration_error(_confidence(found), _right(found))

    return min(TEMPERATURES, key=error)


def accuracy(
    trials: Iterable[Trial],
    arranger_for: Callable[[Checkpoint], Labeller],
    mode: str,
    hints: str = "none",
) -> float:
    """The share of all notes of all trials that get their part."""
    return float(_right(list(_results(trials, arranger_for, mode, hints))).mean())


def _results(
    trials: Iterable[Trial],
    arranger_for: Callable[[Checkpoint], Labeller],
    mode: str,
    hints: str = "none",
    workers: int = 1,
) -> Iterator[PieceResult]:
    """All pieces of all trials, as they are labelled."""
    for trial in trials:
        labeller, ensemble = arranger_for(trial.checkpoint), trial.checkpoint.ensemble
        yield from evaluate(labeller, trial.pieces, hints, ensemble, mode, workers=workers).results


def _confidence(results: Iterable[PieceResult]) -> NDArray[np.float64]:
    return np.concatenate([one.arrangement.confidence for one in results])


def _right(results: Iterable[PieceResult]) -> NDArray[np.bool_]:
    return np.concatenate([one.truth == one.arrangement.parts for one in results])


@dataclass(frozen=True)
class Answers:
    """All answers to ``pieces`` in one way of listening. Of each note, (N,): what the model claims
    of its choice, whether it is right, and the number of its piece. ``mode``: as in a report."""

    mode: str
    hints: str
    kind: str
    claimed: NDArray[np.float64]
    right: NDArray[np.bool_]
    piece: NDArray[np.int64]

    def of(self, chosen: NDArray[np.bool_]) -> Answers:
        """Those of some notes, (N,)."""
        return replace(
            self,
            claimed=self.claimed[chosen],
            right=self.right[chosen],
            piece=self.piece[chosen],
        )

    def sure(self, curves: Curves) -> NDArray[np.float64]:
        """What is said in place of what is claimed, (N,)."""
        curve = Curve(curves[self.kind])
        return np.array([curve.of(claimed) for claimed in self.claimed.tolist()])


def answers(trials: Sequence[Trial], workers: int = 1) -> Iterator[Answers]:
    """What the checkpoint of ``trials`` answers in each way in which it may listen, with each kind
    of hints, and without its curves."""
    first = trials[0].checkpoint
    bare = [trial.with_card(certainty={}) for trial in trials]
    for manner, wait in LISTENING[first.card.mode]:
        mode = f"{manner}+{1000 * wait:.0f}ms" if wait else manner
        make = partial(_labeller, manner=manner, wait=wait)
        for hints in HINT_KINDS if "hints" in first.config.values else HINT_KINDS[:1]:
            found = list(_results(bare, make, mode, hints, workers))
            yield Answers(
                mode,
                hints,
                kind_of_answer(manner, bool(wait), hints),
                _confidence(found),
                _right(found),
                np.repeat(np.arange(len(found)), [len(one.truth) for one in found]),
            )


def _labeller(checkpoint: Checkpoint, manner: str, wait: float) -> Labeller:
    if manner == "offline":
        return Arranger(checkpoint)
    return LiveArranger(checkpoint, stage=manner == "stage", look_ahead=wait)


def fit_curves(found: Iterable[Answers]) -> Curves:
    """The curve of each kind of answer, from the answers of that kind."""
    return {one.kind: fit_curve(one.claimed, one.right) for one in found}


def fit_curve(claimed: NDArray[np.float64], right: NDArray[np.bool_]) -> list[list[float]]:
    """The points of a ``Curve``: the shares of the answers, in order of what is claimed, that are
    right, made to rise."""
    order = np.argsort(claimed, kind="stable")
    shares = np.array_split(order, max(1, min(POINTS, len(order) // ANSWERS)))
    at = np.round([claimed[share].mean() for share in shares], 3)
    x, place = np.unique(at, return_inverse=True)
    sizes = np.bincount(place, [len(share) for share in shares])
    hits = np.bincount(place, [right[share].sum() for share in shares])
    y = (1 - ORDER) * isotonic_regression(hits / sizes, weights=sizes).x + ORDER * x
    points = np.stack([x, np.round(y, 6)], axis=1).tolist()
    first, last = points[0], points[-1]
    before = [[0.0, max(0.0, first[1] - first[0])]] if first[0] > 0 else []
    after = [[1.0, min(1.0, last[1] + 1 - last[0])]] if last[0] < 1 else []
    return [*before, *points, *after]


def errors(found: Sequence[Answers]) -> Iterator[tuple[Answers, float, float]]:
    """The calibration error of each way of listening without curves, and with curves from other
    pieces: every second piece has those of the rest, and the rest have theirs."""
    halves = [fit_curves(one.of(one.piece % 2 != half) for one in found) for half in (0, 1)]
    for one in found:
        sure = np.where(one.piece % 2 == 0, *(one.sure(curves) for curves in halves))
        before = calibration_error(one.claimed, one.right)
        yield one, before, calibration_error(sure, one.right)
