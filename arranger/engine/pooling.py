"""Pooling with numpy: whole sequences, or one position after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
State = Mapping[tuple[int, int], tuple[Array, int]]
"""The sum over each group so far, and how many notes it has; by the pool and the group."""

_ZERO = np.array(0.0, np.float32)


class Pooling:
    """The counterpart of ``backbones.Pooling``. ``columns``: those of the codes to go by."""

    def __init__(self, weights: Mapping[str, Array], columns: Sequence[int], causal: bool) -> None:
        self._weight = np.ascontiguousarray(weights["front.pooling.into.weight"].T)
        self._bias = weights["front.pooling.into.bias"]
        self._columns = list(columns)
        self._causal = causal

    def forward(self, x: Array, codes: NDArray[np.int64]) -> Array:
        """``x`` (batch, time, inputs), ``codes`` (batch, time, C): (batch, time, outputs)."""
        made = self._make(x)
        whole = np.zeros(codes.shape[:2], np.int64)
        ways = [*np.moveaxis(codes[..., self._columns], -1, 0), whole]
        return np.concatenate(
            [
                np.stack([group_means(*one, self._causal) for one in zip(made, way, strict=True)])
                for way in ways
            ],
            axis=-1,
        )

    def step(self, x: Array, codes: NDArray[np.int64], state: State) -> tuple[Array, State]:
        """One position, ``x`` (inputs,) and ``codes`` (C,), and the state before it: (outputs,)
        and the state after it."""
        made = self._make(x)
        found, after = [], dict(state)
        for pool, group in enumerate([*codes[self._columns].tolist(), 0]):
            total, count = state.get((pool, group), (_ZERO, 0))
            after[pool, group] = total, count = total + made, count + 1
            found += [total / np.float32(count), _size(np.array([count]))]
        return np.concatenate(found), after

    def _make(self, x: Array) -> Array:
        made: Array = np.maximum(x @ self._weight + self._bias, _ZERO)
        return made


def group_means(made: Array, group: NDArray[np.int64], causal: bool) -> Array:
    """As ``backbones.pooling.group_means`` of one sequence: ``made`` (time, width), ``group``
    (time,)."""
    order = np.argsort(group, kind="stable")
    begins = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.diff(begins, append=len(group))
    first = np.repeat(begins, sizes)
    last = np.arange(1, len(group) + 1) if causal else first + np.repeat(sizes, sizes)
    sums = np.zeros((len(group) + 1, made.shape[1]))
    np.cumsum(made[order], axis=0, out=sums[1:])
    count = last - first
    found = np.empty((len(group), made.shape[1] + 1), np.float32)
    found[order, :-1] = (sums[last] - sums[first]) / count[:, None]
    found[order, -1] = _size(count)
    return found


def _size(count: NDArray[np.int64]) -> Array:
    return (np.log1p(count) / 5).astype(np.float32)
