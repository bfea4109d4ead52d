"""How fast a token model says what follows, on one thread.

Knows predictors and generators; the tokens that it is fed mean nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from arranger.continuation import Extent, Generator
from arranger.notes import IntArray, NoteSequence
from arranger.sampling import NextToken

CONTEXTS = (1, 256, 1024, 2048)
"""Tokens that stand before the first of those that are timed."""


def tokens_a_second(
    model: NextToken, ids: IntArray, contexts: Sequence[int] = CONTEXTS, count: int = 64
) -> dict[int, float]:
    """For each length of context how many tokens a second of one core, one by one; the best of
    three rounds of ``count``. The tokens are drawn from ``ids``."""
    rng = np.random.default_rng(0)
    found = {}
    for context in contexts:
        _, state = model.read(rng.choice(ids, context))
        rates = []
        for _ in range(3):
            past, began = state, time.process_time()
            for token in rng.choice(ids, (count, 1)):
                _, past = model.read(token, past)
            rates.append(count / (time.process_time() - began))
        found[context] = max(rates)
    return found


def first_note(generator: Generator, notes: NoteSequence, runs: int = 5) -> float:
    """Seconds from asking for a continuation of ``notes`` to its first note, once the model is
    loaded: the median of ``runs`` seeds."""
    seconds = []
    for seed in range(runs):
        began = time.perf_counter()
        next(generator.stream(notes, Extent(bars=8), seed=seed), None)
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))
