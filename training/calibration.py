"""Calibration: the temperature at which a checkpoint is as sure as it is right.

One number on valid pieces (temperature scaling, Guo et al. 2017), chosen by the expected
calibration error of the decisions that users get, decoder included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from arranger.checkpoints import Checkpoint
from evaluation.pieces import Labeller, Piece
from evaluation.runner import evaluate

TEMPERATURES = (0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.4, 2.8, 3.4)


def best_temperature(
    checkpoint: Checkpoint,
    pieces: Sequence[Piece],
    arranger_for: Callable[[Checkpoint], Labeller],
) -> float:
    """The temperature with the least calibration error on ``pieces``, no hints given."""

    def error(temperature: float) -> float:
        card = replace(checkpoint.card, temperature=temperature)
        labeller = arranger_for(replace(checkpoint, card=card))
        report = evaluate(labeller, pieces, "none", checkpoint.ensemble, card.mode)
        return float(report.metrics["ece"])

    return min(TEMPERATURES, key=error)
