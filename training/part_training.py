"""A part model's training run: its pieces, its task and its card, as the loop asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from arranger.checkpoints import Card, describe_ensemble
from arranger.models import PartModel
from evaluation.pieces import Piece

from .batches import Batch, Examples, on_grid
from .configuration import RunConfig
from .loop import Run, Start
from .part_task import PartTask


class PartTraining:
    """Learns the parts of ``train``; its score is the accuracy on ``valid``, whole pieces."""

    def __init__(self, config: RunConfig, train: Sequence[Piece], valid: Sequence[Piece]) -> None:
        self.config = config
        options, resolution = config.training, config.model.resolution
        looked_at = valid[:: -(-len(valid) // options.valid)] if options.valid else valid
        self.valid = [on_grid(piece, resolution) for piece in looked_at]
        self.task = PartTask(config.ensemble, options.own, options.smoothing, options.exchange)
        gridded = [on_grid(piece, resolution) for piece in train]
        self.examples = Examples(gridded, config.model.spec, config.ensemble, config.variation)

    def new_model(self) -> PartModel:
        return PartModel(self.config.model)

    def batches(self, size: int) -> int:
        return self.examples.batches(size)

    def epoch(self, rng: np.random.Generator, size: int) -> Iterator[Batch]:
        return self.examples.epoch(rng, size)

    def loss(
        self, model: PartModel, batch: Batch, progress: float, rng: np.random.Generator
    ) -> Tensor:
        return self.task.loss(model, batch, progress, rng)

    def scores(self, model: PartModel) -> dict[str, float]:
        """The accuracy without hints, and with hints and on a stage where these are trained."""
        accuracy = {"none": self.task.accuracy(model, self.valid)}
        if "hints" in self.config.model.values:
            accuracy["both"] = self.task.accuracy(model, self.valid, "both")
        if self.config.variation.played > 0:
            accuracy["stage"] = self.task.accuracy(model, self.valid, played=True)
        return accuracy

    def card(self, training: Mapping[str, Any], scores: Mapping[str, float]) -> Card:
        return card_of(self.config, {**training, "pieces": len(self.examples.pieces)}, scores)


def card_of(config: RunConfig, training: Mapping[str, Any], scores: Mapping[str, float]) -> Card:
    """The card of a checkpoint of the run that ``config`` describes."""
    return Card(
        name=config.name,
        mode=config.mode,
        ensemble=describe_ensemble(config.ensemble),
        config=config.model.to_dict(),
        data=config.data,
        licence=config.licence,
        transpositions=list(config.transpositions),
        width=config.width,
        tilted=config.tilted,
        training=training,
        metrics={"valid_greedy": scores},
    )


def part_run(
    config: RunConfig,
    train: Sequence[Piece],
    valid: Sequence[Piece],
    folder: Path,
    start: Start | None = None,
    device: str | None = None,
) -> Run:
    """The run that ``config`` describes."""
    return Run(PartTraining(config, train, valid), config.training, folder, device, start)
