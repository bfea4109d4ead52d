"""Tables of values that tokens stand for, and how a number is said with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SPECIAL = ("PAD", "BOS", "EOS", "MASK")
"""What MidiTok puts before all other tokens."""

MIDITOK_TIMES = (*range(1, 33), *range(34, 97, 2))
"""Its times in 8ths of a quarter: every one up to four quarters, then every 4th of a quarter."""

MIDITOK_VELOCITIES = tuple(range(3, 128, 4))


def nearest(
    table: Sequence[int] | NDArray[np.int64], values: NDArray[np.int64]
) -> NDArray[np.intp]:
    """The index of the entry of an ascending ``table`` next to each of ``values``; of two that
    are as near, the higher."""
    middles = np.asarray(table)[1:] + np.asarray(table)[:-1]
    return np.asarray(np.searchsorted(middles, 2 * np.asarray(values), side="right"))


def spent(amount: int, table: Sequence[int]) -> list[int]:
    """Indices into an ascending ``table`` that begins with 1, whose entries add up to ``amount``:
    always the largest that fits."""
    indices, i = [], len(table) - 1
    while amount > 0:
        while table[i] > amount:
            i -= 1
        indices.append(i)
        amount -= table[i]
    return indices
