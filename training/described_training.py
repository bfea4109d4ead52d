"""The training run of a model of described parts: ensembles drawn anew for every batch.

What a ``PartModel`` is shown and says of roles is mixed, by how the parts of each example are
described, into what it is shown and says of parts; ``arranger.tailoring`` does the same to its
weights. Knows the pool, features and models; not corpora.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from arranger.checkpoints import Card, Checkpoint
from arranger.ensembles import Ensemble, Part
from arranger.features import describe
from arranger.hints import HINT_KINDS, Hints
from arranger.models import MemoryHead, PartModel
from arranger.tailoring import DESCRIPTION, describe_parts

from .batches import Batch, Example, collate, locked_notes, performed, touched
from .calibration import Trial
from .configuration import RunConfig
from .decisions import Limits, decide
from .drawing import SEATS, Drawn, excerpt
from .loop import Run, Start
from .part_training import card_of
from .pool import PooledScore

SHARES = {"orchestra": 5, "lieder": 3, "quartets": 3, "pop": 3, "game": 2, "chorales": 2}
"""How often each corpus is drawn from, in parts of all."""

LOOKED_AT, JUDGED = 12, 400
"""Excerpts of each corpus by which a model is judged, and their notes."""


@dataclass(frozen=True)
class DescribedBatch:
    """``batch`` with SEATS parts; ``described`` (B, SEATS, DESCRIPTION) and ``there`` (B, SEATS)
    say which parts there are."""

    batch: Batch
    described: Tensor
    there: Tensor
    limits: Limits

    def to(self, device: torch.device) -> DescribedBatch:
        """The same batch with what the model reads on ``device``."""
        here = {name: getattr(self, name).to(device) for name in ("batch", "described", "there")}
        return replace(self, **here)


def excerpts(valid: Mapping[str, Sequence[PooledScore]]) -> dict[str, list[Drawn]]:
    """The excerpts of each corpus by which a model is judged, always the same."""
    rng = np.random.default_rng(0)
    return {
        name: [
            excerpt([scores[int(i)]], JUDGED, (0, 0), rng)
            for i in np.linspace(0, len(scores) - 1, LOOKED_AT)
        ]
        for name, scores in valid.items()
    }


def excerpt_trials(
    checkpoint: Checkpoint, valid: Mapping[str, Sequence[PooledScore]]
) -> list[Trial]:
    """The checkpoint at work on each excerpt, for the ensemble that this is for."""
    return [
        Trial(checkpoint.cast_for(Ensemble(name, one.seats)), [one.piece])
        for name, found in excerpts(valid).items()
        for one in found
    ]


def batch_of(examples: Sequence[Example], seats: Sequence[Sequence[Part]]) -> DescribedBatch:
    """Examples, each with the parts of its ensemble."""
    described = np.zeros((len(seats), SEATS, DESCRIPTION), np.float32)
    there = np.zeros((len(seats), SEATS), np.float32)
    for row, parts in enumerate(seats):
        described[row, : len(parts)] = describe_parts(parts)
        there[row, : len(parts)] = 1
    limits = Limits.of(seats, SEATS)
    return DescribedBatch(
        collate(examples), torch.from_numpy(described), torch.from_numpy(there), limits
    )


class DescribedTraining:
    """Learns to arrange for whatever parts are described."""

    def __init__(
        self,
        config: RunConfig,
        train: Mapping[str, Sequence[PooledScore]],
        valid: Mapping[str, Sequence[PooledScore]],
    ) -> None:
        self.config = config
        self.train = train
        self.spec = replace(config.model.spec, parts=SEATS)
        self.looked_at = {
            name: [self._plain(one) for one in found] for name, found in excerpts(valid).items()
        }

    def new_model(self) -> PartModel:
        return PartModel(self.config.model)

    def batches(self, size: int) -> int:
        return max(1, sum(map(len, self.train.values())) // size)

    def epoch(self, rng: np.random.Generator, size: int) -> Iterator[DescribedBatch]:
        names = list(self.train)
        share = np.array([SHARES[name] for name in names], float)
        for _ in range(self.batches(size)):
            chosen = rng.choice(len(names), size, p=share / share.sum())
            found = [self._vary(self.train[names[i]], rng) for i in chosen]
            yield batch_of(*zip(*found, strict=True))

    def loss(
        self, model: PartModel, batch: DescribedBatch, progress: float, rng: np.random.Generator
    ) -> Tensor:
        share = self.config.training.own * min(1.0, progress / 0.3)
        inner = batch.batch
        size, time = inner.parts.shape
        taught = rng.random((size,)) >= share
        forced = np.repeat(taught[:, None], time, axis=1) | inner.locked
        scores, _ = self.score_parts(model, batch, forced)
        target = torch.from_numpy(np.where(inner.locked, -1, inner.parts)).to(scores.device)
        return F.cross_entropy(scores.float().transpose(1, 2), target, ignore_index=-1)

    @torch.no_grad()
    def scores(self, model: PartModel) -> dict[str, float]:
        """The accuracy on excerpts of each corpus, decided greedily."""
        found = {}
        for name, examples in self.looked_at.items():
            batch = batch_of(*zip(*examples, strict=True)).to(next(model.parameters()).device)
            _, chosen = self.score_parts(model, batch, None)
            real = batch.batch.parts >= 0
            found[name] = float((chosen == batch.batch.parts)[real].mean())
        return found

    def card(self, training: Mapping[str, Any], scores: Mapping[str, float]) -> Card:
        pieces = sum(map(len, self.train.values()))
        return card_of(self.config, {**training, "pieces": pieces}, scores)

    def score_parts(
        self, model: PartModel, batch: DescribedBatch, forced: NDArray[np.bool_] | None
    ) -> tuple[Tensor, NDArray[np.int64]]:
        """Scores of the parts, (B, T, SEATS), and what is decided."""
        mix = model.describer(batch.described, batch.there)  # (B, SEATS, roles)
        inner = batch.batch
        heard = model(inner.codes, self._of_roles(inner.values, mix), inner.lengths)
        assert isinstance(model.head, MemoryHead)
        plain = mix.detach().float().cpu().numpy()
        decided = decide(model.head, heard, inner, batch.limits, forced, plain)
        memory = _mixed(torch.from_numpy(decided.memory).to(heard.device), mix)
        scores = torch.einsum("btj,bkj->btk", model.head(heard, memory), mix)
        absent = batch.there[:, None] == 0
        return scores.masked_fill(absent, -1e4), decided.parts

    def _of_roles(self, values: Tensor, mix: Tensor) -> Tensor:
        """The features of notes, what they say of parts said of roles."""
        blocks = [
            _mixed(values[..., at], mix) if name in self.spec.per_part else values[..., at]
            for name, at in self.spec.blocks.items()
        ]
        return torch.cat(blocks, dim=-1)

    def _vary(
        self, scores: Sequence[PooledScore], rng: np.random.Generator
    ) -> tuple[Example, tuple[Part, ...]]:
        variation, spec = self.config.variation, self.spec
        drawn = excerpt(scores, variation.crop, variation.transpose, rng)
        piece = drawn.piece
        kind = HINT_KINDS[rng.integers(1, 4)] if rng.random() < variation.hints else "none"
        hints = Hints.from_reference(piece.notes, piece.parts, kind)
        events = performed(piece.notes, rng) if rng.random() < variation.played else None
        table = describe(piece.notes, hints, spec, events)
        parts = piece.parts[table.order]
        locked = locked_notes(len(parts), variation, rng)
        table = table.replaced("locks", np.eye(SEATS)[parts] * locked[:, None], spec)
        return Example(touched(table, spec, variation, rng), parts, locked), drawn.seats

    def _plain(self, drawn: Drawn) -> tuple[Example, tuple[Part, ...]]:
        table = describe(drawn.piece.notes, Hints(), self.spec)
        parts = drawn.piece.parts[table.order]
        return Example(table, parts, np.zeros(len(parts), bool)), drawn.seats


def _mixed(values: Tensor, mix: Tensor) -> Tensor:
    """``values`` (B, T, K * width) of parts as those of roles, (B, T, J * width)."""
    size, time, _ = values.shape
    blocks = values.reshape(size, time, mix.shape[1], -1)
    return torch.einsum("btkw,bkj->btjw", blocks, mix).reshape(size, time, -1)


def described_run(
    config: RunConfig,
    train: Mapping[str, Sequence[PooledScore]],
    valid: Mapping[str, Sequence[PooledScore]],
    folder: Path,
    start: Start | None = None,
    device: str | None = None,
) -> Run:
    """The run that ``config`` describes."""
    task = DescribedTraining(config, train, valid)
    return Run(task, config.training, folder, device, start)
