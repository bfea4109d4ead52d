"""A batch decided note by note, as a model in use decides: greedily, within the rules.

Training a memory head on such decisions, instead of on the reference alone, teaches it to live
with its own mistakes (DAgger, Ross et al. 2011). Knows the head's weights and the rules of the
ensemble; not the backbone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from arranger.ensembles import Ensemble
from arranger.features import PartMemory, memory_width
from arranger.features.listening import CHORD_WINDOW
from arranger.models import MemoryHead

from .batches import Batch


@dataclass(frozen=True)
class Decisions:
    """``parts`` (B, T) as decided, ``memory`` (B, T, parts * width) as it was then."""

    parts: NDArray[np.int64]
    memory: NDArray[np.float32]


@torch.no_grad()
def decide(
    head: MemoryHead,
    heard: Tensor,
    batch: Batch,
    ensemble: Ensemble,
    forced: NDArray[np.bool_] | None = None,
) -> Decisions:
    """Decide every note of ``batch`` from the backbone's output ``heard`` (B, T, outputs).

    Where ``forced`` (B, T) is true the reference part is taken instead.
    """
    size, time = batch.parts.shape
    parts = len(ensemble)
    memory = PartMemory(size, parts, head.recalls)
    seen = np.zeros((size, time, parts * memory_width(head.recalls)), np.float32)
    chosen = np.zeros((size, time), np.int64)
    low, high = (np.array([getattr(p, side) for p in ensemble.parts]) for side in ("low", "high"))
    single = np.array([p.voices == 1 for p in ensemble.parts])
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
        h = np.maximum(first[:, t] + seen[:, t] @ played, 0)
        h += np.maximum(h @ hidden + hidden_bias, 0)
        scores = h @ out + out_bias
        held = memory.last_offset > onset
        held &= batch.metrical[:, None] | (onset - memory.last_onset < CHORD_WINDOW)
        barred = (single & held) | (pitch < low) | (pitch > high)
        barred &= ~barred.all(axis=1, keepdims=True)
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
