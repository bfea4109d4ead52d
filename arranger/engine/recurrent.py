"""LSTM and BiLSTM stacks with numpy: whole sequences, or one position after the other.

Gates are kept in the order output, input, forget, cell. The first three are halved, so that one
tanh serves all: sigmoid(x) = (1 + tanh(x / 2)) / 2. At these sizes a call of numpy costs more than
its arithmetic, so there are as few as possible, on arrays without gaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
State = list[tuple[Array, Array]]

_HALF = np.array(0.5, np.float32)
_TINY = np.array(1e-5, np.float32)


class Cell:
    """One LSTM in one direction."""

    def __init__(self, weights: Mapping[str, Array], prefix: str) -> None:
        bias = weights[f"{prefix}.bias_ih_l0"] + weights[f"{prefix}.bias_hh_l0"]
        self.units = len(bias) // 4
        gates = np.arange(4 * self.units).reshape(4, self.units)[[3, 0, 1, 2]].ravel()
        scale = np.repeat(np.array([0.5, 0.5, 0.5, 1.0], np.float32), self.units)

        def ordered(array: Array) -> Array:
            return np.ascontiguousarray((array[gates].T * scale).astype(np.float32))

        self.inputs = ordered(weights[f"{prefix}.weight_ih_l0"])  # (inputs, 4 units)
        self.recurrent = ordered(weights[f"{prefix}.weight_hh_l0"])  # (units, 4 units)
        self.bias = ordered(bias)

    def step(self, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        """One position: ``x`` (inputs,), ``h`` and ``c`` (units,) before it; both after it."""
        n = self.units
        z = h.dot(self.recurrent)
        z += product(x, self.inputs)
        z += self.bias
        np.tanh(z, out=z)
        sigmoid = z[: 3 * n]
        sigmoid *= _HALF
        sigmoid += _HALF
        c = c * z[2 * n : 3 * n]
        c += z[n : 2 * n] * z[3 * n :]
        return z[:n] * np.tanh(c), c


def run(cells: list[Cell], x: Array) -> Array:
    """``x`` (batch, time, inputs) through one cell, or through two, the second backwards.

    Returns (batch, time, units of all cells).
    """
    batch, time, _ = x.shape
    n, count = cells[0].units, len(cells)
    projected = np.stack([x @ cell.inputs + cell.bias for cell in cells])
    if count == 2:
        projected[1] = projected[1, :, ::-1]
    rows = count * batch
    steps = projected.reshape(rows, time, 4, n).transpose(1, 2, 0, 3)  # (time, 4, rows, n)
    given = np.empty((count, batch, 4 * n), np.float32)
    by_gate = given.reshape(rows, 4, n).transpose(1, 0, 2)
    recurrent = [(cell.recurrent, given[k]) for k, cell in enumerate(cells)]
    z = np.zeros((5, rows, n), np.float32)  # the gates, and what the cells hold
    gates, sigmoid, open_, admitted, c = z[:4], z[:3], z[0], z[1:3], z[4]
    product, squashed = np.empty((2, rows, n), np.float32), np.empty((rows, n), np.float32)
    out = np.zeros((time + 1, count, batch, n), np.float32)
    after = out[1:].reshape(time, rows, n)
    for h, step, new in zip(out, np.ascontiguousarray(steps), after, strict=False):
        for own, (weight, result) in zip(h, recurrent, strict=True):
            own.dot(weight, result)
        np.add(by_gate, step, gates)
        np.tanh(gates, gates)
        np.multiply(sigmoid, _HALF, sigmoid)
        np.add(sigmoid, _HALF, sigmoid)
        np.multiply(admitted, z[3:], product)  # input by cell gate, forget gate by what it holds
        np.add(product[0], product[1], c)
        np.tanh(c, squashed)
        np.multiply(open_, squashed, new)
    outputs = out[1:]
    if count == 2:
        outputs = np.stack([outputs[:, 0], outputs[::-1, 1]], axis=1)
    return outputs.transpose(2, 0, 1, 3).reshape(batch, time, count * n)


class Recurrent:
    """The counterpart of ``backbones.Recurrent``."""

    def __init__(self, weights: Mapping[str, Array], layers: int, residual: bool) -> None:
        self.residual = residual
        self.both_ways = "backbone.backward_lstms.0.bias_ih_l0" in weights
        self._forwards = [Cell(weights, f"backbone.lstms.{k}") for k in range(layers)]
        self._backwards = [
            Cell(weights, f"backbone.backward_lstms.{k}") for k in range(layers) if self.both_ways
        ]
        self._norms = [
            (weights[f"backbone.norms.{k}.weight"], weights[f"backbone.norms.{k}.bias"])
            for k in range(layers)
        ]

    def forward(self, x: Array) -> Array:
        """``x`` (batch, time, inputs): (batch, time, outputs)."""
        for depth, cell in enumerate(self._forwards):
            cells = [cell, self._backwards[depth]] if self.both_ways else [cell]
            y = normalise(run(cells, x), *self._norms[depth])
            x = x + y if self.residual and depth else y
        return x

    def initial_state(self) -> State:
        """The state before the first position."""
        return [
            (np.zeros(cell.units, np.float32), np.zeros(cell.units, np.float32))
            for cell in self._forwards
        ]

    def step(self, x: Array, state: State) -> tuple[Array, State]:
        """One position: ``x`` (inputs,) and the state before it; the state after it."""
        after = []
        for depth, cell in enumerate(self._forwards):
            h, c = cell.step(x, *state[depth])
            after.append((h, c))
            y = normalise(h, *self._norms[depth])
            x = x + y if self.residual and depth else y
        return x, after


def product(x: Array, weight: Array) -> Array:
    """``x`` (rows,) @ ``weight`` (rows, columns). Where most of ``x`` is zero, as of what is heard
    of a note, only the other rows of the weight are fetched from memory, which takes the time."""
    there = x.nonzero()[0]
    if 2 * len(there) < len(x):
        x, weight = x.take(there), weight.take(there, 0)
    result: Array = x.dot(weight)
    return result


def normalise(x: Array, weight: Array, bias: Array) -> Array:
    """Layer normalisation over the last axis."""
    mean = _mean_of(x.shape[-1])
    centred: Array = x - x.dot(mean)
    variance = (centred * centred).dot(mean)
    variance += _TINY
    centred *= weight / np.sqrt(variance)
    centred += bias
    return centred


@cache
def _mean_of(size: int) -> Array:
    """The column by which a product is the mean: faster than a sum over few numbers."""
    return np.full((size, 1), 1.0 / size, np.float32)
