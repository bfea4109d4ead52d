"""Transformer encoder stack with numpy, causal or not."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..configuration import BackboneConfig
from .attention import attend, visible
from .recurrent import normalise

Array = NDArray[np.float32]
Cache = list[tuple[Array, Array]]
_QUERIES = 1024
"""Positions whose attention is computed at once, to bound memory on long pieces."""


class Transformer:
    """The counterpart of ``backbones.Transformer``."""

    def __init__(self, weights: Mapping[str, Array], config: BackboneConfig, causal: bool) -> None:
        self._w = weights
        self._blocks = [f"backbone.blocks.{k}" for k in range(config.layers)]
        self.heads = config.heads
        self.causal = causal
        self.window = config.window

    def forward(self, x: Array) -> Array:
        """``x`` (batch, time, inputs): (batch, time, width)."""
        return np.stack([self._forward_one(one) for one in x])

    def _forward_one(self, x: Array) -> Array:
        x = self._linear("backbone.embed", x)
        for block in self._blocks:
            q, k, v = self._project(block, x)
            attended = np.empty_like(q)
            for start in range(0, len(x), _QUERIES):
                queries = slice(start, min(start + _QUERIES, len(x)))
                keys, seen = self._visible(queries, len(x))
                attended[:, queries] = attend(q[:, queries], k[:, keys], v[:, keys], seen)
            x = self._finish(block, x, attended)
        return self._norm("backbone.norm", x)

    def initial_state(self) -> Cache:
        """No keys and values yet, for each block."""
        width = len(self._w["backbone.norm.weight"])
        empty = np.zeros((self.heads, 0, width // self.heads), np.float32)
        return [(empty, empty) for _ in self._blocks]

    def step(self, x: Array, state: Cache) -> tuple[Array, Cache]:
        """One position: ``x`` (inputs,) and the keys and values before it."""
        x = self._linear("backbone.embed", x[None])
        after = []
        for block, (keys, values) in zip(self._blocks, state, strict=True):
            q, k, v = self._project(block, x)
            keys, values = (self._kept(np.concatenate(r, 1)) for r in ((keys, k), (values, v)))
            after.append((keys, values))
            x = self._finish(block, x, attend(q, keys, values, None))
        return self._norm("backbone.norm", x)[0], after

    def _visible(self, queries: slice, count: int) -> tuple[slice, NDArray[np.bool_] | None]:
        """Of ``count`` positions those that ``queries`` see, and which of these each one sees;
        None: all."""
        if not self.causal:
            return slice(0, count), None
        oldest = 0 if self.window is None else max(0, queries.start + 1 - self.window)
        return slice(oldest, queries.stop), visible(queries, oldest, self.window)

    def _kept(self, rows: Array) -> Array:
        return rows if self.window is None else rows[:, -self.window :]

    def _project(self, block: str, x: Array) -> tuple[Array, Array, Array]:
        projected = self._linear(
            f"{block}.query_key_value", self._norm(f"{block}.attention_norm", x)
        )
        size = x.shape[1] // self.heads
        q, k, v = projected.reshape(len(x), 3, self.heads, size).transpose(1, 2, 0, 3)
        return q / np.float32(math.sqrt(size)), k, v

    def _finish(self, block: str, x: Array, attended: Array) -> Array:
        x = x + self._linear(f"{block}.out", attended.transpose(1, 0, 2).reshape(x.shape))
        h = self._linear(f"{block}.feed_forward.0", self._norm(f"{block}.feed_forward_norm", x))
        return x + self._linear(f"{block}.feed_forward.2", np.maximum(h, 0))

    def _linear(self, name: str, x: Array) -> Array:
        return x @ self._w[f"{name}.weight"].T + self._w[f"{name}.bias"]

    def _norm(self, name: str, x: Array) -> Array:
        return normalise(x, self._w[f"{name}.weight"], self._w[f"{name}.bias"])
