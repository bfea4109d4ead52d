"""LSTM and BiLSTM stacks with numpy: whole sequences, or one position after the other.

Gates are kept in the order input, forget, output, cell. The first three are halved, so that one
tanh serves all: sigmoid(x) = (1 + tanh(x / 2)) / 2.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
State = list[tuple[Array, Array]]


class Cell:
    """One LSTM in one direction."""

    def __init__(self, weights: Mapping[str, Array], prefix: str) -> None:
        bias = weights[f"{prefix}.bias_ih_l0"] + weights[f"{prefix}.bias_hh_l0"]
        self.units = len(bias) // 4
        gates = np.arange(4 * self.units).reshape(4, self.units)[[0, 1, 3, 2]].ravel()
        scale = np.repeat(np.array([0.5, 0.5, 0.5, 1.0], np.float32), self.units)

        def ordered(array: Array) -> Array:
            return np.ascontiguousarray((array[gates].T * scale).astype(np.float32))

        self.inputs = ordered(weights[f"{prefix}.weight_ih_l0"])  # (inputs, 4 units)
        self.recurrent = ordered(weights[f"{prefix}.weight_hh_l0"])  # (units, 4 units)
        self.bias = ordered(bias)
        self._both = np.concatenate([self.inputs, self.recurrent])

    def step(self, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        """One position: ``x`` (inputs,), ``h`` and ``c`` (units,) before it; both after it."""
        n = self.units
        z = np.concatenate([x, h]) @ self._both
        z += self.bias
        np.tanh(z, out=z)
        gates = z[: 3 * n]
        gates *= 0.5
        gates += 0.5
        c = c * gates[n : 2 * n]
        c += gates[:n] * z[3 * n :]
        return gates[2 * n :] * np.tanh(c), c


def run(cells: list[Cell], x: Array) -> Array:
    """``x`` (batch, time, inputs) through one cell, or through two, the second backwards.

    Returns (batch, time, units of all cells).
    """
    batch, time, _ = x.shape
    n, count = cells[0].units, len(cells)
    projected = np.stack([x @ cell.inputs + cell.bias for cell in cells])
    if count == 2:
        projected[1] = projected[1, :, ::-1]
    steps = np.ascontiguousarray(projected.transpose(2, 0, 1, 3))  # (time, cells, batch, 4n)
    recurrent = np.stack([cell.recurrent for cell in cells])
    out = np.zeros((time + 1, count, batch, n), np.float32)
    z = np.empty((count, batch, 4 * n), np.float32)
    c, new = np.zeros((count, batch, n), np.float32), np.empty((count, batch, n), np.float32)
    gates = z[..., : 3 * n]
    i, f, o, g = (z[..., k * n : (k + 1) * n] for k in range(4))
    for t in range(time):
        np.matmul(out[t], recurrent, out=z)
        z += steps[t]
        np.tanh(z, out=z)
        gates *= 0.5
        gates += 0.5
        c *= f
        np.multiply(i, g, out=new)
        c += new
        np.tanh(c, out=new)
        np.multiply(o, new, out=out[t + 1])
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


def normalise(x: Array, weight: Array, bias: Array) -> Array:
    """Layer normalisation over the last axis."""
    size = x.shape[-1]
    centred: Array = x - np.add.reduce(x, axis=-1, keepdims=True) / size
    variance = np.add.reduce(centred * centred, axis=-1, keepdims=True) / size
    centred *= weight / np.sqrt(variance + np.float32(1e-5))
    centred += bias
    return centred
