"""What a part model learns: the reference part of every note, given its own decisions.

Gives the loop a loss for a batch and an accuracy on whole pieces. Knows models and batches; not
optimisers, files or progress bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from arranger.ensembles import Ensemble
from arranger.models import MemoryHead, PartModel
from evaluation.pieces import Piece

from .batches import Batch, collate, example, settle_twins
from .decisions import Limits, decide


@dataclass(frozen=True)
class PartTask:
    """``own`` is the share of examples that, late in training, follow the model's decisions."""

    ensemble: Ensemble
    own: float = 0.9
    smoothing: float = 0.0

    @cached_property
    def _limits(self) -> Limits:
        return Limits.of([self.ensemble.parts])

    def loss(
        self, model: PartModel, batch: Batch, progress: float, rng: np.random.Generator
    ) -> Tensor:
        """Mean cross entropy over the notes of ``batch``; ``progress`` runs from 0 to 1."""
        heard = model(batch.codes, batch.values, batch.lengths)
        if isinstance(model.head, MemoryHead):
            share = self.own * min(1.0, progress / 0.3)
            size, time = batch.parts.shape
            taught = rng.random((size,)) >= share
            forced = np.repeat(taught[:, None], time, axis=1) | batch.locked
            memory = decide(model.head, heard, batch, self._limits, forced).memory
            scores = model.head(heard, torch.from_numpy(memory).to(heard.device))
        else:
            scores = model.head(heard)
        target = torch.from_numpy(np.where(batch.locked, -1, batch.parts)).to(scores.device)
        return F.cross_entropy(
            scores.float().transpose(1, 2),
            target,
            ignore_index=-1,
            label_smoothing=self.smoothing,
        )

    @torch.no_grad()
    def accuracy(
        self,
        model: PartModel,
        pieces: Sequence[Piece],
        hints: str = "none",
        played: bool = False,
        batch_size: int = 41,
    ) -> float:
        """Share of notes given their reference part, over whole pieces, decided greedily."""
        spec, rng = model.config.spec, np.random.default_rng(0)
        right = total = 0
        ordered = sorted(pieces, key=lambda piece: len(piece.notes))
        for start in range(0, len(ordered), batch_size):
            group = ordered[start : start + batch_size]
            examples = [example(p, spec, hints, rng if played else None) for p in group]
            chosen = self._choose(model, collate(examples))
            for piece, one, row in zip(group, examples, chosen, strict=True):
                parts = np.empty(len(piece.notes), np.int64)
                parts[one.table.order] = row[: len(parts)]
                right += int((settle_twins(piece.notes, parts) == piece.parts).sum())
                total += len(parts)
        return right / total

    def _choose(self, model: PartModel, batch: Batch) -> NDArray[np.int64]:
        batch = batch.to(next(model.parameters()).device)
        heard = model(batch.codes, batch.values, batch.lengths)
        if isinstance(model.head, MemoryHead):
            return decide(model.head, heard, batch, self._limits).parts
        chosen: NDArray[np.int64] = model.head(heard).argmax(-1).cpu().numpy()
        return chosen
