"""Naming: parts that are alike, as two pulses or two trumpets, can take each other's names.

Which of them is called the first is a custom, and what is known of a piece may go against it. Knows
ensembles only.
"""

from __future__ import annotations

from itertools import chain, permutations, product
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

from .ensembles import Ensemble

MOST = 6
"""Ways to exchange names that are worth trying: those of three parts alike, or of two pairs."""


def namings(ensemble: Ensemble) -> list[NDArray[np.int64]]:
    """For each way to exchange the names of parts that have the same program, range and voices,
    the new name of each of the K parts, shape (K,).

    The first way exchanges none; where there are more than ``MOST``, it is the only one.
    """
    alike: dict[tuple[int | None, ...], list[int]] = {}
    for k, part in enumerate(ensemble.parts):
        alike.setdefault((part.program, part.low, part.high, part.voices), []).append(k)
    if prod(factorial(len(group)) for group in alike.values()) > MOST:
        return [np.arange(len(ensemble))]
    places = list(chain(*alike.values()))
    found = []
    for way in product(*map(permutations, alike.values())):
        names = np.empty(len(ensemble), np.int64)
        names[places] = list(chain(*way))
        found.append(names)
    return found
