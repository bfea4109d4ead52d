"""A whole part model with numpy: features in, log probabilities of parts out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..configuration import ModelConfig
from ..features import PartMemory
from .pooling import Pooling
from .recurrent import Recurrent, product
from .transformer import Transformer

Array = NDArray[np.float32]
_ZERO = np.array(0.0, np.float32)


class Engine:
    """The counterpart of ``models.PartModel``. ``temperature`` divides the scores, so that the
    probabilities are calibrated."""

    def __init__(
        self, config: ModelConfig, weights: Mapping[str, Array], temperature: float = 1.0
    ) -> None:
        self.config = config
        self._w = weights
        self._tables = [weights[f"front.embeddings.{i}.weight"] for i in range(len(config.codes))]
        self._pooling = None
        if config.pool.by:
            self._pooling = Pooling(weights, config.pooled_by, config.causal)
        backbone = config.backbone
        self.backbone: Recurrent | Transformer
        if backbone.kind == "lstm":
            self.backbone = Recurrent(weights, backbone.layers, backbone.residual)
        else:
            self.backbone = Transformer(weights, backbone, config.causal)
        self.remembers = config.head.kind == "memory"
        self._entry = "head.heard" if self.remembers else "head"
        self._entry_weight = np.ascontiguousarray(weights[f"{self._entry}.weight"].T)
        self._scale = np.float32(1.0 / temperature)
        if self.remembers:
            self._played = np.ascontiguousarray(weights["head.played.weight"].T)
            self._hidden = np.ascontiguousarray(weights["head.hidden.weight"].T)
            self._out = weights["head.out.weight"].T * self._scale
            self._out_bias = weights["head.out.bias"] * self._scale

    def memory(self) -> PartMemory | None:
        """What the model remembers before the first note; None if it does not."""
        head = self.config.head
        return PartMemory(1, self.config.parts, head.recalls) if self.remembers else None

    def _front(self, codes: NDArray[np.int64], values: Array) -> Array:
        """``codes`` (..., C), ``values`` (..., D): all that is known of each note by itself."""
        embedded = [table[codes[..., i]] for i, table in enumerate(self._tables)]
        return np.concatenate([*embedded, values], axis=-1)

    def hear(self, codes: NDArray[np.int64], values: Array) -> Array:
        """Whole sequences, ``codes`` (H, N, C) and ``values`` (H, N, D): what
        ``log_probabilities`` reads of each note, (H, N, units)."""
        x = self._front(codes, values)
        if self._pooling is not None:
            x = np.concatenate([x, self._pooling.forward(x, codes)], axis=-1)
        return self._enter(self.backbone.forward(x))

    def initial_state(self) -> Any:
        """The state before the first note, for ``step``."""
        return self.backbone.initial_state(), {}

    def step(self, codes: NDArray[np.int64], values: Array, state: Any) -> tuple[Array, Any]:
        """One note, ``codes`` (C,) and ``values`` (D,): as ``hear``, and the state after it."""
        x, (before, pooled) = self._front(codes, values), state
        if self._pooling is not None:
            more, pooled = self._pooling.step(x, codes, pooled)
            x = np.concatenate([x, more])
        y, after = self.backbone.step(x, before)
        return self._enter(y), (after, pooled)

    def log_probabilities(
        self,
        heard: Array,
        memory: PartMemory | None,
        pitch: int,
        time: float,
        velocity: int = 0,
    ) -> Array:
        """Of the parts for one note, (alternatives, parts).

        ``heard`` (H, units) is the note's row of ``hear`` or ``step``, in H hearings of the piece
        that are averaged; ``memory`` is asked only by a model that remembers how the note, of
        ``pitch`` and ``velocity`` at ``time`` quarters, stands to what each part has played.
        """
        if not self.remembers or memory is None:
            return self.log_probabilities_of_all(heard[None])
        relation = memory.relate(pitch, time, velocity)
        rows = relation.reshape(len(relation), -1)
        played = product(rows[0], self._played) if len(rows) == 1 else rows.dot(self._played)
        hearings = len(heard)
        h = (heard[:, None] + played).reshape(-1, heard.shape[1])  # (hearings * alternatives, ...)
        np.maximum(h, _ZERO, out=h)
        more = h.dot(self._hidden)
        more += self._w["head.hidden.bias"]
        h += np.maximum(more, _ZERO, out=more)
        likely = log_softmax(h.dot(self._out) + self._out_bias)
        if hearings == 1:
            return likely
        mean: Array = likely.reshape(hearings, len(rows), -1).mean(axis=0)
        return mean

    def log_probabilities_of_all(self, heard: Array) -> Array:
        """Of the parts for N notes, (N, parts), from ``heard`` (N, H, parts); only of a model
        that does not remember."""
        mean: Array = log_softmax(heard * self._scale).mean(axis=1)
        return mean

    def _enter(self, y: Array) -> Array:
        return y @ self._entry_weight + self._w[f"{self._entry}.bias"]


def log_softmax(scores: Array) -> Array:
    """Over the last axis."""
    result: Array = scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
    return result
