"""What the Transformers of the engine share: who sees whom, and softmax attention."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def visible(queries: slice, oldest: int, window: int | None) -> NDArray[np.bool_]:
    """Which positions from ``oldest`` on each of ``queries`` sees: itself and those before it, in
    all at most ``window``; shape (queries, positions)."""
    positions = np.arange(queries.start, queries.stop)[:, None]
    distance = positions - np.arange(oldest, queries.stop)
    seen: NDArray[np.bool_] = distance >= 0
    return seen if window is None else seen & (distance < window)


def attend(q: Array, k: Array, v: Array, seen: NDArray[np.bool_] | None) -> Array:
    """Softmax attention, (heads, time, size) each, of queries that have been scaled; ``seen``
    (queries, keys), None: all."""
    scores: Array = q @ k.transpose(0, 2, 1)
    if seen is not None:
        scores[:, ~seen] = -np.inf
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    attended: Array = scores @ v
    return attended
