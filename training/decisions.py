"""A batch decided note by note, as a model in use decides: greedily, within the rules.

Training a memory head on such decisions, instead of on the reference alone, teaches it to live
with its own mistakes (DAgger, Ross et al. 2011). Knows the head's weights and the rules of the
ensemble; not the backbone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from arranger.ensembles import Part
from arranger.features import PartMemory, memory_width
from arranger.features.listening import CHORD_WINDOW
from arranger.models import MemoryHead

from .batches import Batch


@dataclass(frozen=True)
class Decisions:
    """``parts`` (B, T) as decided, ``memory`` (B, T, parts * width) as it was then."""

    parts: NDArray[np.int64]
    memory: NDArray[np.float32]


@dataclass(frozen=True)
class Limits:
    """What the parts of ensembles can play: ``low``, ``high`` and ``single`` (one voice), each
    (1, K) where all examples are for one ensemble, or (B, K); a part that is not there has no
    pitch between ``low`` and ``high``."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    single: NDArray[np.bool_]

    @classmethod
    def of(cls, ensembles: Sequence[Sequence[Part]], seats: int = 0) -> Limits:
        """The limits of each ensemble's parts, in ``seats`` columns (0: as many as there are)."""
        shape = len(ensembles), seats or len(ensembles[0])
        limits = cls(np.full(shape, 128), np.full(shape, -1), np.zeros(shape, bool))
        for row, parts in enumerate(ensembles):
            for k, part in enumerate(parts):
                limits.low[row, k], limits.high[row, k] = part.low, part.high
                limits.single[row, k] = part.voices == 1
        return limits


@torch.no_grad()
def decide(
    head: MemoryHead,
    heard: Tensor,
    batch: Batch,
    limits: Limits,
    forced: NDArray[np.bool_] | None = None,
    mix: NDArray[np.float32] | None = None,
) -> Decisions:
    """Decide every note of ``batch`` from the backbone's output ``heard`` (B, T, outputs).

    Where ``forced`` (B, T) is true the reference part is taken instead. ``mix`` (B, K, J): how
    much of each role that the head knows each part is; None: its roles are the parts.
    """
    size, time = batch.parts.shape
    parts = limits.low.shape[1]
    there = limits.low <= limits.high
    memory = PartMemory(size, parts, head.recalls)
    seen = np.zeros((size, time, parts * memory_width(head.recalls)), np.float32)
    chosen = np.zeros((size, time), np.int64)
    first = head.heard(heard).float().cpu().numpy()  # (B, T, units)
    played, hidden, hidden_bias, out, out_bias = (
        w.detach().float().cpu().numpy()
        for w in (
            head.played.weight.T,
            head.hidden.weight.T,
            head.hidden.bias,
            head.out.weight.T,
            head.out.bias,
        )
    )
    for t in range(time):
        pitch, onset = batch.pitch[:, t, None], batch.onset[:, t, None]
        relation = memory.relate(pitch, onset, batch.velocity[:, t, None])
        seen[:, t] = relation.reshape(size, -1)
        roles = relation if mix is None else mix.swapaxes(1, 2) @ relation
        h = np.maximum(first[:, t] + roles.reshape(size, -1) @ played, 0)
        h += np.maximum(h @ hidden + hidden_bias, 0)
        scores = h @ out + out_bias
        if mix is not None:
            scores = (mix @ scores[..., None])[..., 0]
        held = memory.last_offset > onset
        held &= batch.metrical[:, None] | (onset - memory.last_onset < CHORD_WINDOW)
        barred = (limits.single & held) | (pitch < limits.low) | (pitch > limits.high)
        barred &= ~(barred | ~there).all(axis=1, keepdims=True) | ~there
        part = np.where(barred, -np.inf, scores).argmax(axis=1)
        if forced is not None:
            part = np.where(forced[:, t], batch.parts[:, t], part)
        chosen[:, t] = part
        memory.assign(
            np.maximum(part, 0),
            batch.pitch[:, t],
            batch.onset[:, t],
            batch.offset[:, t],
            batch.velocity[:, t],
        )
    return Decisions(chosen, seen)
