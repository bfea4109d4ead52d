"""Token models with rotary attention, with numpy: tokens in, scores of the next one out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..notes import IntArray
from ..token_configuration import WITHOUT_BEARINGS, TokenModelConfig
from ..tokenizers.bearings import Bearings, Where
from ..tokenizers.intervals import SIZES, Intervals
from .attention import attend, visible
from .shapes import Shapes

Array = NDArray[np.float32]
_QUERIES = 64
"""Positions whose attention is computed at once: few, as those before a later one are seen for it
in vain, but enough for products of matrices."""

_EPSILON = np.finfo(np.float32).eps
_BASE = 10_000.0
_CHROMAS, _OCTAVES = 12, 11


class _Rows:
    """Keys and values, (layers, 2, heads, capacity, size), of which ``used`` have been written."""

    def __init__(self, array: Array, used: int) -> None:
        self.array = array
        self.used = used


class RotaryState(NamedTuple):
    """A value: rows ``start`` to ``end`` of ``rows`` are seen, and never overwritten; ``said`` is
    what the bearings know of the tokens so far, ``sung`` are the pitches in them."""

    position: int
    rows: _Rows
    start: int
    end: int
    said: IntArray | None = None
    sung: IntArray | None = None


def runs(config: TokenModelConfig) -> bool:
    """Whether this engine has all that ``config`` asks for."""
    return config.backbone.kind == "rotary" and config.embedding > 0 and not config.head.widths


def weight_shapes(config: TokenModelConfig) -> Shapes:
    """The shape of every weight of a model, by its name."""
    backbone, width = config.backbone, config.backbone.units
    shapes: Shapes = {"embedding.weight": (config.tokens, config.embedding)}
    if config.embedding != width:
        shapes["backbone.embed.weight"] = (width, config.embedding)
    if backbone.places:
        shapes["backbone.place.weight"] = (backbone.places, width)
        shapes["backbone.chroma.weight"] = (_CHROMAS, width)
        shapes["backbone.octave.weight"] = (_OCTAVES, width)
    for k in range(backbone.layers):
        layer = f"backbone.layers.{k}"
        shapes[f"{layer}.attention_norm.weight"] = (width,)
        shapes[f"{layer}.query_key_value.weight"] = (3 * width, width)
        shapes[f"{layer}.out.weight"] = (width, width)
        shapes[f"{layer}.feed_norm.weight"] = (width,)
        shapes[f"{layer}.feed_in.weight"] = (2 * backbone.feed_forward, width)
        shapes[f"{layer}.feed_out.weight"] = (width, backbone.feed_forward)
    shapes["backbone.norm.weight"] = (width,)
    if config.intervals:
        shapes["heard.weight"] = (SIZES * len(config.intervals.heard), config.embedding)
        shapes["foretold.weight"] = (SIZES * len(config.intervals.foretold), width)
    return shapes | {"head.1.weight": (config.tokens, width), "head.1.bias": (config.tokens,)}


class RotaryPredictor:
    """The counterpart of ``token_models.Predictor`` and ``backbones.RotaryTransformer``."""

    def __init__(
        self,
        config: TokenModelConfig,
        weights: Mapping[str, Array],
        bearings: Bearings | None = None,
    ) -> None:
        self._w = weights
        self._layers = [f"backbone.layers.{k}" for k in range(config.backbone.layers)]
        self._heads = config.backbone.heads
        self._size = config.backbone.units // self._heads
        self._window = config.backbone.window
        self._bearings: Bearings | None = None
        self._intervals: Intervals | None = None
        if config.needs_bearings:
            if bearings is None:
                raise ValueError(WITHOUT_BEARINGS)
            self._bearings = bearings if config.backbone.places else None
            if config.intervals:
                near = config.intervals
                self._intervals = Intervals(bearings, near.heard, near.foretold)

    def read(
        self, ids: IntArray, state: RotaryState | None = None
    ) -> tuple[NDArray[np.float64], RotaryState]:
        """Read ``ids`` (T,), one or more, behind those that ``state`` has seen; None: none.

        Returns the scores of the next token, (tokens,), and the state behind the last.
        """
        state = self._with_room(state, len(ids))
        x = self._w["embedding.weight"][ids]
        latest, sung = None, None
        if self._intervals is not None:
            latest, sung = self._intervals.read(ids[None], state.sung)
            x = x + self._w["heard.weight"][self._intervals.heard(latest)[0]].sum(axis=1)
        if "backbone.embed.weight" in self._w:
            x = self._linear("backbone.embed", x)
        said, angles = None, np.zeros((len(ids), 0), np.float32)
        if self._bearings is not None:
            where, said = self._bearings.read(ids[None], state.said)
            angles = where.angles(self._size // 2)[0]
            x = x + self._placed(where)
        turn = self._turn(state.position, angles)
        for rows, layer in zip(state.rows.array, self._layers, strict=True):
            x = x + self._linear(f"{layer}.out", self._attention(layer, x, turn, rows, state))
            up = self._linear(f"{layer}.feed_in", self._norm(f"{layer}.feed_norm", x))
            gate, value = np.split(up, 2, axis=-1)
            x = x + self._linear(f"{layer}.feed_out", gate / (1 + np.exp(-gate)) * value)
        last = self._norm("backbone.norm", x[-1:])
        scores = self._linear("head.1", last)[0] + self._w["head.1.bias"]
        if self._intervals is not None and latest is not None:
            which = self._intervals.foretold(latest[:, -1:])[0, 0]
            scores = scores + self._linear("foretold", last)[0][which].sum(axis=0)
        return scores.astype(np.float64), self._behind(state, len(ids), said, sung)

    def _placed(self, where: Where) -> Array:
        """What is added to tokens (T,) for where they stand, (T, width)."""
        place, pitch = where.place[0], where.pitch[0]
        added: Array = self._w["backbone.place.weight"][place]
        added += self._w["backbone.chroma.weight"][pitch % _CHROMAS]
        added += self._w["backbone.octave.weight"][pitch // _CHROMAS]
        return added

    def _with_room(self, state: RotaryState | None, count: int) -> RotaryState:
        """A state that may write ``count`` rows behind its last: itself, or a copy."""
        shape = (len(self._layers), 2, self._heads)
        if state is None:
            return RotaryState(0, _Rows(np.empty((*shape, count, self._size), np.float32), 0), 0, 0)
        rows, start, end = state.rows, state.start, state.end
        if rows.used == end and end + count <= rows.array.shape[3]:
            return state
        room = np.empty((*shape, 2 * (end - start + count), self._size), np.float32)
        room[..., : end - start, :] = rows.array[..., start:end, :]
        return RotaryState(state.position, _Rows(room, end - start), 0, end - start, *state[4:])

    def _behind(
        self, state: RotaryState, count: int, said: IntArray | None, sung: IntArray | None
    ) -> RotaryState:
        """The state after ``count`` rows have been written."""
        end = state.end + count
        state.rows.used = end
        start = state.start if self._window is None else max(state.start, end - self._window)
        return RotaryState(state.position + count, state.rows, start, end, said, sung)

    def _attention(
        self, layer: str, x: Array, turn: tuple[Array, Array], rows: Array, state: RotaryState
    ) -> Array:
        """Write keys and values of ``x`` (T, width) to ``rows``, and attend to all that is seen."""
        normed = self._norm(f"{layer}.attention_norm", x)
        projected = self._linear(f"{layer}.query_key_value", normed)
        q, k, v = projected.reshape(len(x), 3, self._heads, self._size).transpose(1, 2, 0, 3)
        begin, end = state.end, state.end + len(x)
        rows[0, :, begin:end] = _rotated(k, turn)
        rows[1, :, begin:end] = v
        q = _rotated(q, turn) * np.float32(self._size**-0.5)
        attended = np.empty((len(x), self._heads, self._size), np.float32)
        for first in range(0, len(x), _QUERIES):
            cut = slice(first, min(first + _QUERIES, len(x)))
            now = slice(begin + cut.start, begin + cut.stop)
            oldest = state.start
            if self._window is not None:
                oldest = max(oldest, now.start + 1 - self._window)
            keys, values = rows[:, :, oldest : now.stop]
            seen = visible(now, oldest, self._window) if cut.stop - cut.start > 1 else None
            attended[cut] = attend(q[:, cut], keys, values, seen).transpose(1, 0, 2)
        return attended.reshape(len(x), -1)

    def _turn(self, position: int, given: Array) -> tuple[Array, Array]:
        """The cosine and sine of each position's angles, (T, size / 2) each, the last ``given``."""
        pairs = self._size // 2 - given.shape[1]
        count = np.arange(position, position + len(given))[:, None]
        angle = np.concatenate([count * _BASE ** (-np.arange(pairs) / pairs), given], axis=1)
        return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)

    def _linear(self, name: str, x: Array) -> Array:
        weight = self._w[f"{name}.weight"]
        if len(x) == 1:  # a product with one vector is twice as fast as one with a matrix
            one: Array = weight.dot(x[0])[None]
            return one
        return x @ weight.T

    def _norm(self, name: str, x: Array) -> Array:
        square = np.mean(x * x, axis=-1, keepdims=True)
        normed: Array = x / np.sqrt(square + _EPSILON) * self._w[f"{name}.weight"]
        return normed


def _rotated(x: Array, turn: tuple[Array, Array]) -> Array:
    """Each pair of ``x`` (..., T, size), its halves being the pairs' sides, turned by its angle."""
    (a, b), (cos, sin) = np.split(x, 2, axis=-1), turn
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)
