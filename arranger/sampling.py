"""Choosing the next token: filters over scores, composed, and one draw.

A score is a logit; a token that is out has the score -inf. A filter never takes out every token.
Knows numbers, and what it asks of a model; not tokens or grammars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .notes import IntArray

Scores = NDArray[np.float64]
Filter = Callable[[Scores], Scores]

MIN_TEMPERATURE, MAX_TEMPERATURE = 1e-3, 10.0


class NextToken(Protocol):
    """Whatever scores the next token."""

    def read(self, ids: IntArray, state: Any = None) -> tuple[Scores, Any]:
        """Read ``ids`` (T,), one or more, behind those that ``state`` has seen; None: none.

        Returns the scores of the next token, (tokens,), and the state behind the last.
        """
        ...


MIN_P = 0.03


@dataclass(frozen=True)
class Sampling:
    """``temperature`` 0 takes the likeliest token. ``top_k`` keeps so many tokens, ``top_p``
    (Holtzman et al. 2019) the likeliest that together have that probability, ``min_p`` (Nguyen et
    al. 2024) those with that share of the likeliest one's. The defaults are for listeners: what is
    hardly likely at all is left out, which keeps key, meter and motif (docs/EXPERIMENTS.md)."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = MIN_P

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= MAX_TEMPERATURE:
            raise ValueError(
                f"temperature must lie in 0..{MAX_TEMPERATURE:g}, not {self.temperature:g}"
            )
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top-k must be 1 or more, not {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top-p must be above 0 and at most 1, not {self.top_p:g}")
        if not 0 <= self.min_p <= 1:
            raise ValueError(f"min-p must lie in 0..1, not {self.min_p:g}")

    def filters(self) -> list[Filter]:
        """What has to be applied, in order."""
        found = [tempered(self.temperature)]
        if self.top_k is not None:
            found.append(top_k(self.top_k))
        if self.top_p < 1:
            found.append(top_p(self.top_p))
        if self.min_p > 0:
            found.append(min_p(self.min_p))
        return found


def allowed(mask: NDArray[np.bool_]) -> Filter:
    """Keeps the tokens of ``mask``."""
    return lambda scores: np.where(mask, scores, -np.inf)


def tempered(temperature: float) -> Filter:
    """Divides by ``temperature``; below the least one keeps the likeliest token alone."""
    if temperature < MIN_TEMPERATURE:
        return top_k(1)
    return lambda scores: scores / temperature


def top_k(count: int) -> Filter:
    """Keeps the ``count`` likeliest tokens; of equal ones, the first."""

    def keep(scores: Scores) -> Scores:
        best = np.argsort(-scores, kind="stable")[:count]
        return _only(scores, best)

    return keep


def top_p(mass: float) -> Filter:
    """Keeps the likeliest tokens up to the one with which they reach the probability ``mass``."""

    def keep(scores: Scores) -> Scores:
        order = np.argsort(-scores, kind="stable")
        before = np.cumsum(probabilities(scores)[order]) - probabilities(scores)[order]
        return _only(scores, order[before < mass])

    return keep


def min_p(share: float) -> Filter:
    """Keeps the tokens with at least ``share`` of the likeliest one's probability."""

    def keep(scores: Scores) -> Scores:
        likely = probabilities(scores)
        return np.where(likely >= share * likely.max(), scores, -np.inf)

    return keep


def probabilities(scores: Scores) -> Scores:
    """The softmax of ``scores``, (V,)."""
    weight = np.exp(scores - scores.max())
    return np.asarray(weight / weight.sum())


_NEVER = 1e-30
"""What stands for the probability 0, whose logarithm is not finite."""


def scores_of(likely: Scores) -> Scores:
    """Scores, all of them finite, whose probabilities are ``likely``, (V,)."""
    scores: Scores = np.log(np.maximum(likely, _NEVER))
    return scores


def draw(scores: Scores, filters: Iterable[Filter], rng: np.random.Generator) -> int:
    """A token drawn from ``scores`` after all of ``filters``."""
    for each in filters:
        scores = each(scores)
    return int(rng.choice(len(scores), p=probabilities(scores)))


def _only(scores: Scores, tokens: NDArray[np.intp]) -> Scores:
    kept = np.full_like(scores, -np.inf)
    kept[tokens] = scores[tokens]
    return kept
