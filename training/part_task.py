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
from arranger.features import FeatureSpec
from arranger.models import MemoryHead, PartModel
from arranger.naming import namings
from evaluation.pieces import Piece

from .batches import Batch, collate, example, settle_twins
from .decisions import Limits, decide


@dataclass(frozen=True)
class PartTask:
    """``own`` is the share of examples that, late in training, follow the model's decisions.

    ``exchange``: how much of the loss takes parts that are alike, such as the two pulses of a
    console, by whichever of their names suit the model's answer to an example best, where nothing
    tells it their names.
    """

    ensemble: Ensemble
    own: float = 0.9
    smoothing: float = 0.0
    exchange: float = 0.0

    @cached_property
    def _limits(self) -> Limits:
        return Limits.of([self.ensemble.parts])

    @cached_property
    def _namings(self) -> list[NDArray[np.int64]]:
        return namings(self.ensemble)

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
        scores = scores.float().transpose(1, 2)
        target = torch.from_numpy(np.where(batch.locked, -1, batch.parts)).to(scores.device)
        loss = self._entropy(scores, target)
        if not self.exchange:
            return loss
        renamed = self._renamed(scores.detach(), target, _told(batch, model.config.spec))
        return loss + self.exchange * (self._entropy(scores, renamed) - loss)

    def _entropy(self, scores: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
        return F.cross_entropy(
            scores, target, ignore_index=-1, label_smoothing=self.smoothing, reduction=reduction
        )

    def _renamed(self, scores: Tensor, target: Tensor, told: NDArray[np.bool_]) -> Tensor:
        """``target`` (B, T) by the names that suit ``scores`` (B, K, T) best, unless these are
        ``told`` (B,)."""
        ways = [
            torch.where(target < 0, target, torch.from_numpy(names).to(target.device)[target])
            for names in self._namings
        ]
        found = torch.stack([self._entropy(scores, way, "none").sum(dim=1) for way in ways])
        best = found.argmin(dim=0)
        best[torch.from_numpy(told).to(best.device)] = 0
        return torch.stack(ways)[best, torch.arange(len(best), device=best.device)]

    @torch.no_grad()
    def accuracy(
        self,
        model: PartModel,
        pieces: Sequence[Piece],
        hints: str = "none",
        played: bool = False,
        batch_size: int = 41,
    ) -> float:
        """Share of notes given their reference part, over whole pieces, decided greedily; with
        ``exchange`` and no hints, by the names of each piece that suit the answer best."""
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
                right += self._right(piece, parts, told=hints != "none")
                total += len(parts)
        return right / total

    def _right(self, piece: Piece, parts: NDArray[np.int64], told: bool) -> int:
        """How many notes of ``piece`` are given their part."""
        ways = self._namings if self.exchange and not told else self._namings[:1]
        return max(
            int((settle_twins(piece.notes, names[parts]) == piece.parts).sum()) for names in ways
        )

    def _choose(self, model: PartModel, batch: Batch) -> NDArray[np.int64]:
        batch = batch.to(next(model.parameters()).device)
        heard = model(batch.codes, batch.values, batch.lengths)
        if isinstance(model.head, MemoryHead):
            return decide(model.head, heard, batch, self._limits).parts
        chosen: NDArray[np.int64] = model.head(heard).argmax(-1).cpu().numpy()
        return chosen


def _told(batch: Batch, spec: FeatureSpec) -> NDArray[np.bool_]:
    """In which examples of ``batch``, (B,), a hint or a lock says which part is which."""
    told = batch.locked.any(axis=1)
    if "hints" in spec.blocks:
        said = batch.values[..., spec.blocks["hints"]] != 0
        told = told | said.flatten(1).any(dim=1).cpu().numpy()
    return np.asarray(told)
